#include "aidge/operator/Convolution.hpp"

#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

constexpr std::size_t kData = 0;
constexpr std::size_t kWeight = 1;
constexpr std::size_t kBias = 2;

std::span<const DimSize_t> kernelOf(Inputs inputs) { return std::span<const DimSize_t>(inputs[kWeight].dims).subspan(2); }

void validate(const Operator& op, std::size_t spatial) {
  validateWindow(op, spatial, true);
  requireInt(op, "groups", 1, kMaxWindowExtent);
}

/// Channels must agree: data (N, C, …), weight (M, C / groups, …), groups divides M.
void checkChannels(const Operator& op, Inputs inputs) {
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

std::vector<TensorInfo> infer(const Operator& op, Inputs inputs, std::size_t spatial) {
  checkInputs(op, inputs);
  requireRank(op, inputs, kData, spatial + 2);
  requireRank(op, inputs, kWeight, spatial + 2);
  requireFloat(op, inputs);
  requireSameType(op, inputs);
  checkChannels(op, inputs);
  if (isPresent(inputs, kBias)) requireDims(op, inputs, kBias, {inputs[kWeight].dims[0]});
  const SpatialWindow window = resolveWindow(op, inputs[kData].dims, kernelOf(inputs));
  Dims dims{inputs[kData].dims[0], inputs[kWeight].dims[0]};
  dims.insert(dims.end(), window.output.begin(), window.output.end());
  return result(std::move(dims), inputs[kData].dtype);
}

/// Every output element takes (in / groups) · kernel products.
double macs(const Operator&, Inputs inputs, Inputs outputs) {
  double total = static_cast<double>(elementCount(outputs[0].dims));
  for (std::size_t axis = 1; axis < inputs[kWeight].dims.size(); ++axis) total *= static_cast<double>(inputs[kWeight].dims[axis]);
  return total;
}

bool addSchema(std::size_t spatial) {
  OperatorSchema schema;
  schema.type = typeName("Conv", spatial);
  schema.brief = "Convolution: y[n, o, p] = bias[o] + sum over c, k of weight[o, c, k] * data[n, c, p * stride + k * dilation - padding].";
  schema.inputs = {{"data", InputCategory::Data}, {"weight", InputCategory::Param}, {"bias", InputCategory::OptionalParam}};
  schema.attributes = windowAttributes(spatial);
  schema.attributes.emplace("groups", std::int64_t{1});
  schema.validate = [spatial](const Operator& op) { validate(op, spatial); };
  schema.infer = [spatial](const Operator& op, Inputs inputs) { return infer(op, inputs, spatial); };
  schema.macs = macs;
  schema.traits = traitsOf(Role::Convolution, BatchRule::PerSample, ChannelRule::Convolution, spatial);
  return OperatorRegistry::add(std::move(schema));
}

[[maybe_unused]] const bool kRegistered = addSchema(1) && addSchema(2) && addSchema(3);

}  // namespace

template <std::size_t DIM>
NodePtr PaddedConv(DimSize_t inChannels, DimSize_t outChannels, const std::array<DimSize_t, DIM>& kernelDims, const std::string& name,
                   const std::array<DimSize_t, DIM>& strideDims, const std::array<DimSize_t, 2 * DIM>& paddingDims,
                   const std::array<DimSize_t, DIM>& dilationDims, bool noBias, DimSize_t groups) {
  const std::string type = typeName("Conv", DIM);
  requireGroups(type, inChannels, outChannels, groups);
  NodePtr node = makeNode(type,
                          {{"kernel_dims", toInts(kernelDims)},
                           {"stride_dims", toInts(strideDims)},
                           {"dilation_dims", toInts(dilationDims)},
                           {"padding_dims", toInts(paddingDims)},
                           {"groups", groups}},
                          name);
  Dims weight{outChannels, inChannels / groups};
  weight.insert(weight.end(), kernelDims.begin(), kernelDims.end());
  addParam(node, kWeight, "w", Tensor::full(std::move(weight), 0.0));
  if (!noBias) addParam(node, kBias, "b", Tensor::full({outChannels}, 0.0));
  return node;
}

template <std::size_t DIM>
NodePtr Conv(DimSize_t inChannels, DimSize_t outChannels, const std::array<DimSize_t, DIM>& kernelDims, const std::string& name,
             const std::array<DimSize_t, DIM>& strideDims, const std::array<DimSize_t, DIM>& dilationDims, bool noBias, DimSize_t groups) {
  return PaddedConv<DIM>(inChannels, outChannels, kernelDims, name, strideDims, filled<2 * DIM>(0), dilationDims, noBias, groups);
}

template <std::size_t DIM>
NodePtr PaddedConvDepthWise(DimSize_t nbChannels, const std::array<DimSize_t, DIM>& kernelDims, const std::string& name,
                            const std::array<DimSize_t, DIM>& strideDims, const std::array<DimSize_t, 2 * DIM>& paddingDims,
                            const std::array<DimSize_t, DIM>& dilationDims, bool noBias) {
  return PaddedConv<DIM>(nbChannels, nbChannels, kernelDims, name, strideDims, paddingDims, dilationDims, noBias, nbChannels);
}

template <std::size_t DIM>
NodePtr ConvDepthWise(DimSize_t nbChannels, const std::array<DimSize_t, DIM>& kernelDims, const std::string& name,
                      const std::array<DimSize_t, DIM>& strideDims, const std::array<DimSize_t, DIM>& dilationDims, bool noBias) {
  return PaddedConvDepthWise<DIM>(nbChannels, kernelDims, name, strideDims, filled<2 * DIM>(0), dilationDims, noBias);
}

#define AIDGE_INSTANTIATE(DIM)                                                                                                             \
  template NodePtr Conv<DIM>(DimSize_t, DimSize_t, const std::array<DimSize_t, DIM>&, const std::string&,                                  \
                             const std::array<DimSize_t, DIM>&, const std::array<DimSize_t, DIM>&, bool, DimSize_t);                       \
  template NodePtr PaddedConv<DIM>(DimSize_t, DimSize_t, const std::array<DimSize_t, DIM>&, const std::string&,                            \
                                   const std::array<DimSize_t, DIM>&, const std::array<DimSize_t, 2 * DIM>&,                               \
                                   const std::array<DimSize_t, DIM>&, bool, DimSize_t);                                                    \
  template NodePtr ConvDepthWise<DIM>(DimSize_t, const std::array<DimSize_t, DIM>&, const std::string&, const std::array<DimSize_t, DIM>&, \
                                      const std::array<DimSize_t, DIM>&, bool);                                                            \
  template NodePtr PaddedConvDepthWise<DIM>(DimSize_t, const std::array<DimSize_t, DIM>&, const std::string&,                              \
                                            const std::array<DimSize_t, DIM>&, const std::array<DimSize_t, 2 * DIM>&,                      \
                                            const std::array<DimSize_t, DIM>&, bool);
AIDGE_INSTANTIATE(1)
AIDGE_INSTANTIATE(2)
AIDGE_INSTANTIATE(3)
#undef AIDGE_INSTANTIATE

}  // namespace Aidge
