#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

std::vector<TensorInfo> inferConcat(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireSameType(op, inputs);
  const std::string site = errorSite(op);
  Dims dims = inputs[0].dims;
  const DimIdx_t axis = normaliseAxis(site, op.attribute<std::int64_t>("axis"), dims.size());
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    Dims other = inputs[i].dims;
    if (other.size() == dims.size()) other[axis] = dims[axis];
    if (other != dims) {
      throwExpected(site, "inputs that differ on axis " + std::to_string(axis) + " only",
                    toString(inputs[0].dims) + " and " + toString(inputs[i].dims) + " (input " + std::to_string(i) + ")");
    }
    dims[axis] = checkedAdd(site, dims[axis], inputs[i].dims[axis]);
  }
  return result(std::move(dims), inputs[0].dtype);
}

bool addConcatSchema() {
  OperatorSchema schema;
  schema.type = "Concat";
  schema.brief = "Joins its inputs along one axis, in order.";
  schema.inputs = {{"input", InputCategory::Data, kAllTypes}};
  schema.variadic = true;
  schema.attributes = {{"axis", std::int64_t{1}}};
  schema.infer = inferConcat;
  schema.traits = traitsOf(Role::Concatenation, BatchRule::Joint, ChannelRule::Concat);
  schema.traits.batch.holds = sparesBatch;
  return OperatorRegistry::add(std::move(schema));
}

[[maybe_unused]] const bool kConcatRegistered = addConcatSchema();

}  // namespace

}  // namespace Aidge
