#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

std::span<const DimSize_t> kernelOf(Inputs inputs) { return std::span<const DimSize_t>(inputs[kWeight].dims).subspan(2); }

void validateConvolution(const Operator& op, std::size_t spatial) {
  validateWindow(op, spatial, true);
  requireInt(op, "groups", 1, kMaxWindowExtent);
}

/// Channels must agree: data (N, C, …), weight (M, C / groups, …), groups divides M.
void checkConvolutionChannels(const Operator& op, Inputs inputs) {
  const std::int64_t groups = op.attribute<std::int64_t>("groups");
  const Dims& weight = inputs[kWeight].dims;
  const DimSize_t channels = inputs[kData].dims[1];
  if (weight[0] < 1 || weight[1] < 1 || weight[0] % groups != 0) {
    throwExpected(errorSite(op), "a weight (out, in / groups, kernel) whose out is a multiple of groups = " + std::to_string(groups),
                  toString(weight));
  }
  if (channels % groups != 0 || channels / groups != weight[1]) {
    throwExpected(errorSite(op),
                  "data with groups * weight axis 1 = " + std::to_string(groups) + " * " + std::to_string(weight[1]) + " channels",
                  toString(inputs[kData].dims));
  }
}

std::vector<TensorInfo> inferConvolution(const Operator& op, Inputs inputs, std::size_t spatial) {
  checkInputs(op, inputs);
  requireRank(op, inputs, kData, spatial + 2);
  requireRank(op, inputs, kWeight, spatial + 2);
  requireFloat(op, inputs);
  requireSameType(op, inputs);
  checkConvolutionChannels(op, inputs);
  if (isPresent(inputs, kBias)) requireDims(op, inputs, kBias, {inputs[kWeight].dims[0]});
  const SpatialWindow window = resolveWindow(op, inputs[kData].dims, kernelOf(inputs));
  Dims dims{inputs[kData].dims[0], inputs[kWeight].dims[0]};
  dims.insert(dims.end(), window.output.begin(), window.output.end());
  return result(std::move(dims), inputs[kData].dtype);
}

/// Every output element takes (in / groups) · kernel products.
double macsOfConvolution(const Operator&, Inputs inputs, Inputs outputs) {
  double total = static_cast<double>(elementCount(outputs[0].dims));
  for (std::size_t axis = 1; axis < inputs[kWeight].dims.size(); ++axis) total *= static_cast<double>(inputs[kWeight].dims[axis]);
  return total;
}

bool addConvolutionSchema(std::size_t spatial) {
  OperatorSchema schema;
  schema.type = typeName("Conv", spatial);
  schema.brief = "Convolution: y[n, o, p] = bias[o] + sum over c, k of weight[o, c, k] * data[n, c, p * stride + k * dilation - padding].";
  schema.inputs = {{"data", InputCategory::Data}, {"weight", InputCategory::Param}, {"bias", InputCategory::OptionalParam}};
  schema.attributes = windowAttributes(spatial);
  schema.attributes.emplace("groups", std::int64_t{1});
  schema.validate = [spatial](const Operator& op) { validateConvolution(op, spatial); };
  schema.infer = [spatial](const Operator& op, Inputs inputs) { return inferConvolution(op, inputs, spatial); };
  schema.macs = macsOfConvolution;
  schema.traits = traitsOf(Role::Convolution, BatchRule::PerSample, ChannelRule::Convolution, spatial);
  return OperatorRegistry::add(std::move(schema));
}

[[maybe_unused]] const bool kConvolutionRegistered = addConvolutionSchema(1) && addConvolutionSchema(2) && addConvolutionSchema(3);

}  // namespace

}  // namespace Aidge
