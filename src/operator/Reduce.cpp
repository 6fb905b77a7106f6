#include "aidge/operator/Reduce.hpp"

#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

std::vector<TensorInfo> infer(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireNumeric(op, inputs);
  const Dims& dims = inputs[0].dims;
  std::vector<bool> reduced(dims.size(), false);
  for (const DimIdx_t axis : resolveReducedAxes(op, dims.size())) reduced[axis] = true;
  Dims kept;
  for (std::size_t axis = 0; axis < dims.size(); ++axis) {
    if (!reduced[axis]) {
      kept.push_back(dims[axis]);
    } else if (op.attribute<bool>("keep_dims")) {
      kept.push_back(1);
    }
  }
  return result(std::move(kept), inputs[0].dtype);
}

bool addSchema() {
  OperatorSchema schema;
  schema.type = "ReduceMean";
  schema.brief = "Mean over the given axes: y = (sum of x over axes) / count; all axes if none are given, unless noop_with_empty_axes.";
  schema.inputs = {{"data", InputCategory::Data}};
  schema.attributes = {{"axes", Ints{}}, {"keep_dims", true}, {"noop_with_empty_axes", false}};
  schema.infer = infer;
  return OperatorRegistry::add(std::move(schema));
}

[[maybe_unused]] const bool kRegistered = addSchema();

}  // namespace

NodePtr ReduceMean(const std::vector<std::int64_t>& axes, bool keepDims, bool noopWithEmptyAxes, const std::string& name) {
  return makeNode("ReduceMean", {{"axes", axes}, {"keep_dims", keepDims}, {"noop_with_empty_axes", noopWithEmptyAxes}}, name);
}

}  // namespace Aidge
