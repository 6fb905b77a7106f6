#include <algorithm>

#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

void checkFloats(const Operator& op, Inputs inputs, std::size_t leastRank) {
  checkInputs(op, inputs);
  requireTypes(op, inputs);
  requireSameType(op, inputs);
  requireRankAtLeast(op, inputs, 0, leastRank);
}

std::vector<TensorInfo> inferInstance(const Operator& op, Inputs inputs) {
  checkFloats(op, inputs, 2);
  for (const std::size_t i : {1, 2}) requireDims(op, inputs, i, {inputs[0].dims[1]});
  return result(inputs[0].dims, inputs[0].dtype);
}

std::vector<TensorInfo> inferGroup(const Operator& op, Inputs inputs) {
  checkFloats(op, inputs, 2);
  const std::int64_t groups = op.attribute<std::int64_t>("groups");
  const DimSize_t channels = inputs[0].dims[1];
  if (channels % groups != 0) {
    throwExpected(errorSite(op), "channels in " + std::to_string(groups) + " equal groups", std::to_string(channels));
  }
  for (const std::size_t i : {1, 2}) requireDims(op, inputs, i, inputs[i].dims == Dims{groups} ? Dims{groups} : Dims{channels});
  return result(inputs[0].dims, inputs[0].dtype);
}

/// Scale and bias fit the data; the place of the axis.
DimIdx_t checkRows(const Operator& op, Inputs inputs) {
  checkFloats(op, inputs, 1);
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    if (isPresent(inputs, i) && !isBroadcastableTo(inputs[i].dims, inputs[0].dims)) {
      throwExpected(errorSite(op), op.inputSpec(i).name + " that can be broadcast to data " + toString(inputs[0].dims),
                    toString(inputs[i].dims));
    }
  }
  return normaliseAxis(errorSite(op), op.attribute<std::int64_t>("axis"), inputs[0].dims.size());
}

std::vector<TensorInfo> inferLayer(const Operator& op, Inputs inputs) {
  const DimIdx_t axis = checkRows(op, inputs);
  Dims rows = inputs[0].dims;
  std::fill(rows.begin() + static_cast<std::ptrdiff_t>(axis), rows.end(), DimSize_t{1});
  const DataType stash = inputs[0].dtype == DataType::Float64 ? DataType::Float64 : DataType::Float32;
  std::vector<TensorInfo> infos = result(inputs[0].dims, inputs[0].dtype);
  infos.push_back({rows, stash, nullptr});
  infos.push_back({rows, stash, nullptr});
  return infos;
}

std::vector<TensorInfo> inferRms(const Operator& op, Inputs inputs) {
  static_cast<void>(checkRows(op, inputs));
  return result(inputs[0].dims, inputs[0].dtype);
}

OperatorSchema normalisation(std::string type, std::string brief, AttributeMap attributes) {
  OperatorSchema schema;
  schema.type = std::move(type);
  schema.brief = std::move(brief);
  schema.inputs = {{"data", InputCategory::Data, kFloatTypes}, {"scale", InputCategory::Param, kFloatTypes}};
  schema.attributes = std::move(attributes);
  schema.attributes["epsilon"] = 1e-5;
  schema.validate = [](const Operator& op) {
    requireFinite(op, "epsilon", 0.0);
    if (op.hasAttribute("groups")) requireInt(op, "groups", 1, kMaxWindowExtent);
  };
  return schema;
}

bool addNormalisationSchemas() {
  const InputSpec bias{"bias", InputCategory::Param, kFloatTypes};
  const std::string formula = "y = scale * (x - mean) / sqrt(variance + epsilon) + bias, ";
  OperatorSchema instance = normalisation("InstanceNorm", "Instance normalisation: " + formula + "over each image's channel.", {});
  instance.inputs.push_back(bias);
  instance.infer = inferInstance;
  instance.traits = traitsOf(Role::Normalisation, BatchRule::PerSample, ChannelRule::PerChannel);
  OperatorSchema group = normalisation(
      "GroupNorm", "Group normalisation: " + formula + "over each image's group of channels; scale and bias a channel (or a group).",
      {{"groups", std::int64_t{1}}});
  group.inputs.push_back(bias);
  group.infer = inferGroup;
  group.traits = traitsOf(Role::Normalisation, BatchRule::PerSample, ChannelRule::Grouped);
  OperatorSchema layer = normalisation(
      "LayerNorm", "Layer normalisation: " + formula + "over the axes from `axis` on; also mean and 1 / sqrt(variance + epsilon).",
      {{"axis", std::int64_t{-1}}});
  layer.inputs.push_back({"bias", InputCategory::OptionalParam, kFloatTypes});
  layer.outputs = {"output", "mean", "inv_std_dev"};
  layer.infer = inferLayer;
  layer.traits = traitsOf(Role::Normalisation, BatchRule::Whole, ChannelRule::FromAxis);
  OperatorSchema rms =
      normalisation("RMSNorm", "Root-mean-square normalisation: y = scale * x / sqrt(mean of x^2 + epsilon), over the axes from `axis` on.",
                    {{"axis", std::int64_t{-1}}});
  rms.infer = inferRms;
  rms.traits = traitsOf(Role::Normalisation, BatchRule::Whole, ChannelRule::FromAxis);
  return OperatorRegistry::add(std::move(instance)) && OperatorRegistry::add(std::move(group)) && OperatorRegistry::add(std::move(layer)) &&
         OperatorRegistry::add(std::move(rms));
}

[[maybe_unused]] const bool kNormalisationRegistered = addNormalisationSchemas();

}  // namespace

}  // namespace Aidge
