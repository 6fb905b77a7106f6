#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

std::vector<TensorInfo> inferReduce(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireTypes(op, inputs);
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

bool addReduceSchemas() {
  struct Entry {
    const char* type;
    const char* formula;
    TypeSet types;
    Role role = Role::Reduction;
  };
  for (const auto& [type, formula, types, role] :
       {Entry{"ReduceSum", "Sum", kNumericTypes}, Entry{"ReduceMean", "Mean", kNumericTypes, Role::AverageReduction},
        Entry{"ReduceMax", "Greatest value", kAllTypes}, Entry{"ReduceMin", "Least value", kAllTypes},
        Entry{"ReduceProd", "Product", kNumericTypes}, Entry{"ReduceL1", "Sum of magnitudes", kNumericTypes},
        Entry{"ReduceL2", "Root of the sum of squares", kNumericTypes}, Entry{"ReduceLogSum", "Logarithm of the sum", kNumericTypes},
        Entry{"ReduceLogSumExp", "Logarithm of the sum of exp(x)", kNumericTypes},
        Entry{"ReduceSumSquare", "Sum of squares", kNumericTypes}}) {
    OperatorSchema schema;
    schema.type = type;
    schema.brief = std::string(formula) + " over the given axes; over all axes if none are given, unless noop_with_empty_axes.";
    schema.inputs = {{"data", InputCategory::Data, types}};
    schema.attributes = {{"axes", Ints{}}, {"keep_dims", true}, {"noop_with_empty_axes", false}};
    schema.infer = inferReduce;
    schema.traits = traitsOf(role, BatchRule::Whole, ChannelRule::Reduce);
    OperatorRegistry::add(std::move(schema));
  }
  return true;
}

[[maybe_unused]] const bool kReduceRegistered = addReduceSchemas();

}  // namespace

}  // namespace Aidge
