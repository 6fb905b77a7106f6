#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

std::vector<TensorInfo> inferTopK(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireNumeric(op, inputs);
  Dims dims = inputs[0].dims;
  const DimIdx_t axis = normaliseAxis(errorSite(op), op.attribute<std::int64_t>("axis"), dims.size());
  const Ints k = listArgument(op, inputs, 1);
  requireEntries(op, "k", k, 1, 0, dims[axis]);
  dims[axis] = k[0];
  return {{dims, inputs[0].dtype, nullptr}, {dims, DataType::Int64, nullptr}};
}

bool addTopK() {
  OperatorSchema schema;
  schema.type = "TopK";
  schema.brief = "The k largest or smallest values along an axis, and their indices.";
  schema.inputs = {{"data", InputCategory::Data, kNumericTypes}};
  schema.extraInputs = {"k"};
  schema.outputs = {"values", "indices"};
  schema.attributes = {{"k", Ints{1}}, {"axis", std::int64_t{-1}}, {"largest", true}, {"sorted", true}};
  schema.infer = inferTopK;
  schema.traits = opaqueTraits("which sorts values");
  return OperatorRegistry::add(std::move(schema));
}

[[maybe_unused]] const bool kTopKRegistered = addTopK();

}  // namespace

}  // namespace Aidge
