#include <algorithm>

#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

void validateConvTranspose(const Operator& op, std::size_t spatial) {
  validateWindow(op, spatial, true);
  requireInt(op, "groups", 1, kMaxWindowExtent);
  requireList(op, "output_padding", spatial, 0, kMaxWindowExtent);
  if (!op.attribute<Ints>("output_shape").empty()) requireList(op, "output_shape", spatial, 1, kMaxWindowExtent);
  const Ints& extra = op.attribute<Ints>("output_padding");
  for (std::size_t axis = 0; axis < spatial; ++axis) {
    if (extra[axis] < std::max(op.attribute<Ints>("stride_dims")[axis], op.attribute<Ints>("dilation_dims")[axis])) continue;
    throwExpected(errorSite(op), "output_padding smaller than stride_dims or dilation_dims", listText(extra));
  }
}

/// Channels must agree: data (N, C, …), weight (C, M / groups, …), groups divides C.
void checkTransposedChannels(const Operator& op, Inputs inputs) {
  const std::int64_t groups = op.attribute<std::int64_t>("groups");
  const Dims& weight = inputs[kWeight].dims;
  if (weight[0] < 1 || weight[1] < 1 || weight[0] % groups != 0) {
    throwExpected(errorSite(op), "a weight (in, out / groups, kernel) whose in is a multiple of groups = " + std::to_string(groups),
                  toString(weight));
  }
  if (inputs[kData].dims[1] != weight[0]) {
    throwExpected(errorSite(op), "data with " + std::to_string(weight[0]) + " channels, as the weight has", toString(inputs[kData].dims));
  }
}

std::vector<TensorInfo> inferConvTranspose(const Operator& op, Inputs inputs, std::size_t spatial) {
  checkInputs(op, inputs);
  requireRank(op, inputs, kData, spatial + 2);
  requireRank(op, inputs, kWeight, spatial + 2);
  requireFloat(op, inputs);
  requireSameType(op, inputs);
  checkTransposedChannels(op, inputs);
  const Dims& weight = inputs[kWeight].dims;
  const DimSize_t channels = checkedMul(errorSite(op), weight[1], op.attribute<std::int64_t>("groups"));
  if (isPresent(inputs, kBias)) requireDims(op, inputs, kBias, {channels});
  const SpatialWindow window = resolveTransposedWindow(op, inputs[kData].dims, std::span<const DimSize_t>(weight).subspan(2));
  Dims dims{inputs[kData].dims[0], channels};
  dims.insert(dims.end(), window.output.begin(), window.output.end());
  return result(std::move(dims), inputs[kData].dtype);
}

/// Every input element is multiplied with (out / groups) · kernel weights.
double macsOfConvTranspose(const Operator&, Inputs inputs, Inputs) {
  double total = static_cast<double>(elementCount(inputs[kData].dims));
  for (std::size_t axis = 1; axis < inputs[kWeight].dims.size(); ++axis) total *= static_cast<double>(inputs[kWeight].dims[axis]);
  return total;
}

bool addConvTransposeSchema(std::size_t spatial) {
  OperatorSchema schema;
  schema.type = typeName("ConvTranspose", spatial);
  schema.brief =
      "Transposed convolution: data[n, c, p] * weight[c, o, k] is added to y[n, o, p * stride + k * dilation - padding], and bias[o] to "
      "all of y[n, o].";
  schema.inputs = {{"data", InputCategory::Data}, {"weight", InputCategory::Param}, {"bias", InputCategory::OptionalParam}};
  schema.attributes = windowAttributes(spatial);
  schema.attributes.emplace("groups", std::int64_t{1});
  schema.attributes.emplace("output_padding", Ints(spatial, 0));
  schema.attributes.emplace("output_shape", Ints{});
  schema.validate = [spatial](const Operator& op) { validateConvTranspose(op, spatial); };
  schema.infer = [spatial](const Operator& op, Inputs inputs) { return inferConvTranspose(op, inputs, spatial); };
  schema.macs = macsOfConvTranspose;
  schema.traits = traitsOf(Role::TransposedConvolution, BatchRule::PerSample, ChannelRule::Convolution, spatial);
  return OperatorRegistry::add(std::move(schema));
}

[[maybe_unused]] const bool kConvTransposeRegistered = addConvTransposeSchema(1) && addConvTransposeSchema(2) && addConvTransposeSchema(3);

}  // namespace

}  // namespace Aidge
