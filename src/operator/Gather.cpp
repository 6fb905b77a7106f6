#include <algorithm>

#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

void requireIndices(const Operator& op, Inputs inputs) {
  const DataType type = inputs[1].dtype;
  if (type != DataType::Int32 && type != DataType::Int64) {
    throwExpected(errorSite(op), "indices of type int32 or int64", std::string(toString(type)));
  }
}

std::vector<TensorInfo> inferGather(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireIndices(op, inputs);
  const Dims& data = inputs[0].dims;
  const auto axis =
      data.begin() + static_cast<std::ptrdiff_t>(normaliseAxis(errorSite(op), op.attribute<std::int64_t>("axis"), data.size()));
  Dims dims(data.begin(), axis);
  dims.insert(dims.end(), inputs[1].dims.begin(), inputs[1].dims.end());
  dims.insert(dims.end(), axis + 1, data.end());
  return result(std::move(dims), inputs[0].dtype);
}

/// Indices that lie within the data on all axes but the given one.
void requireInside(const Operator& op, Inputs inputs, DimIdx_t axis) {
  requireRank(op, inputs, 1, inputs[0].dims.size());
  for (std::size_t i = 0; i < inputs[0].dims.size(); ++i) {
    if (i == axis || inputs[1].dims[i] <= inputs[0].dims[i]) continue;
    throwExpected(errorSite(op),
                  "indices that are no bigger than the data " + toString(inputs[0].dims) + " off axis " + std::to_string(axis),
                  toString(inputs[1].dims));
  }
}

std::vector<TensorInfo> inferGatherElements(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireIndices(op, inputs);
  requireInside(op, inputs, normaliseAxis(errorSite(op), op.attribute<std::int64_t>("axis"), inputs[0].dims.size()));
  return result(inputs[1].dims, inputs[0].dtype);
}

/// Dims of what a tuple of indices stands for, after `shared` axes; throws where the tuples are too long.
Dims sliceDims(const Operator& op, Inputs inputs, std::size_t shared) {
  requireRankAtLeast(op, inputs, 1, shared + 1);
  const Dims& data = inputs[0].dims;
  const DimSize_t length = inputs[1].dims.back();
  if (data.size() < shared || length < 1 || length > static_cast<DimSize_t>(data.size() - shared)) {
    throwExpected(errorSite(op),
                  "tuples of 1 to " + std::to_string(data.size() - std::min(shared, data.size())) + " indices into " + toString(data),
                  std::to_string(length));
  }
  return Dims(data.begin() + static_cast<std::ptrdiff_t>(shared) + length, data.end());
}

std::vector<TensorInfo> inferGatherND(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireIndices(op, inputs);
  const auto shared = static_cast<std::size_t>(op.attribute<std::int64_t>("batch_dims"));
  const Dims rest = sliceDims(op, inputs, shared);
  const Dims& indices = inputs[1].dims;
  if (!std::equal(indices.begin(), indices.begin() + static_cast<std::ptrdiff_t>(shared), inputs[0].dims.begin())) {
    throwExpected(errorSite(op), "indices that share the first " + std::to_string(shared) + " dims of " + toString(inputs[0].dims),
                  toString(indices));
  }
  Dims dims(indices.begin(), indices.end() - 1);
  dims.insert(dims.end(), rest.begin(), rest.end());
  return result(std::move(dims), inputs[0].dtype);
}

void requireUpdates(const Operator& op, Inputs inputs, const Dims& dims) {
  requireDims(op, inputs, 2, dims);
  if (inputs[2].dtype != inputs[0].dtype) {
    throwExpected(errorSite(op), "updates of the data's type (" + std::string(toString(inputs[0].dtype)) + ")",
                  std::string(toString(inputs[2].dtype)));
  }
}

std::vector<TensorInfo> inferScatterElements(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireIndices(op, inputs);
  requireInside(op, inputs, normaliseAxis(errorSite(op), op.attribute<std::int64_t>("axis"), inputs[0].dims.size()));
  requireUpdates(op, inputs, inputs[1].dims);
  return result(inputs[0].dims, inputs[0].dtype);
}

std::vector<TensorInfo> inferScatterND(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireIndices(op, inputs);
  const Dims rest = sliceDims(op, inputs, 0);
  Dims updates(inputs[1].dims.begin(), inputs[1].dims.end() - 1);
  updates.insert(updates.end(), rest.begin(), rest.end());
  requireUpdates(op, inputs, updates);
  return result(inputs[0].dims, inputs[0].dtype);
}

void validateReduction(const Operator& op) {
  static constexpr std::array<std::string_view, 5> kReductions{"none", "add", "mul", "max", "min"};
  requireOneOf(op, "reduction", kReductions);
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

bool addIndexing(std::string type, std::string brief, AttributeMap attributes, InferFunction infer, bool updates,
                 ChannelTrait channels = {}) {
  OperatorSchema schema;
  schema.type = std::move(type);
  schema.brief = std::move(brief);
  schema.inputs = {{"data", InputCategory::Data, kAllTypes}, {"indices", InputCategory::Data, kIndexTypes}};
  if (updates) schema.inputs.push_back({"updates", InputCategory::Data, kAllTypes});
  schema.attributes = std::move(attributes);
  schema.infer = infer;
  schema.traits = opaqueTraits(updates ? "which changes values at given indices" : "which picks values by their indices");
  if (channels.rule != ChannelRule::Unstated) schema.traits.channels = std::move(channels);
  if (schema.attributes.contains("reduction")) schema.validate = validateReduction;
  if (schema.attributes.contains("batch_dims")) schema.validate = [](const Operator& op) { requireInt(op, "batch_dims", 0, 64); };
  return OperatorRegistry::add(std::move(schema));
}

[[maybe_unused]] const bool kGatherRegistered =
    addReverse() &&
    addIndexing("Gather", "Slices of the data at the indices of an axis.", {{"axis", std::int64_t{0}}}, inferGather, false,
                {ChannelRule::Gather}) &&
    addIndexing("GatherElements", "The elements of the data at the indices of an axis, one an index.", {{"axis", std::int64_t{0}}},
                inferGatherElements, false) &&
    addIndexing("GatherND", "The data at tuples of indices.", {{"batch_dims", std::int64_t{0}}}, inferGatherND, false) &&
    addIndexing("ScatterElements", "The data with updates at the indices of an axis, one an index.",
                {{"axis", std::int64_t{0}}, {"reduction", std::string("none")}}, inferScatterElements, true) &&
    addIndexing("ScatterND", "The data with updates at tuples of indices.", {{"reduction", std::string("none")}}, inferScatterND, true);

}  // namespace

}  // namespace Aidge
