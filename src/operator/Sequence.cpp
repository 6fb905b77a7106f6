#include "aidge/operator/Sequence.hpp"

#include <limits>

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

std::vector<TensorInfo> inferReverse(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  const Dims& dims = inputs[0].dims;
  const DimIdx_t batch = normaliseAxis(errorSite(op), op.attribute<std::int64_t>("batch_axis"), dims.size());
  const DimIdx_t time = normaliseAxis(errorSite(op), op.attribute<std::int64_t>("time_axis"), dims.size());
  if (batch == time) throwExpected(errorSite(op), "batch_axis and time_axis to differ", std::to_string(batch));
  requireDims(op, inputs, 1, {dims[batch]});
  if (inputs[1].dtype != DataType::Int64) throwExpected(errorSite(op), "lengths of type int64", std::string(toString(inputs[1].dtype)));
  return result(dims, inputs[0].dtype);
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

bool addReverse() {
  OperatorSchema schema;
  schema.type = "ReverseSequence";
  schema.brief = "The first lengths[i] elements of the time axis in reverse order, for each i of the batch axis.";
  schema.inputs = {{"data", InputCategory::Data, kAllTypes}, {"lengths", InputCategory::Data, TypeSet{DataType::Int64}}};
  schema.attributes = {{"batch_axis", std::int64_t{1}}, {"time_axis", std::int64_t{0}}};
  schema.infer = inferReverse;
  schema.traits = opaqueTraits("which reverses parts of an axis");
  return OperatorRegistry::add(std::move(schema));
}

[[maybe_unused]] const bool kRegistered = addTopK() && addReverse();

}  // namespace

NodePtr TopK(std::int64_t k, std::int64_t axis, bool largest, const std::string& name) {
  return makeNode("TopK", {{"k", Ints{k}}, {"axis", axis}, {"largest", largest}}, name);
}

NodePtr ReverseSequence(std::int64_t batchAxis, std::int64_t timeAxis, const std::string& name) {
  return makeNode("ReverseSequence", {{"batch_axis", batchAxis}, {"time_axis", timeAxis}}, name);
}

}  // namespace Aidge
