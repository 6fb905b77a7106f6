#include "LinearLayer.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "LayerParameters.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::detail {

namespace {

using Ints = std::vector<std::int64_t>;
using Reader = LinearLayer (*)(const GraphView&, const NodePtr&, const GraphDims&);

constexpr IOIndex_t kWeight = 1;
constexpr IOIndex_t kBias = 2;

LinearLayer unusable(std::string reason) {
  LinearLayer layer;
  layer.reason = std::move(reason);
  return layer;
}

bool areFinite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
}

bool anyNonZero(const std::vector<double>& values) {
  return std::any_of(values.begin(), values.end(), [](double value) { return value != 0.0; });
}

ConvShape pointwise(DimSize_t channels, std::size_t axes) { return identityMap(channels, axes).shape; }

// --- dims -----------------------------------------------------------------------------------------------------------

bool sameBehindBatch(const Dims& a, const Dims& b) {
  return a.size() == b.size() && (a.size() < 2 || std::equal(a.begin() + 1, a.end(), b.begin() + 1));
}

std::vector<Dims> declaredDims(const GraphView& graph) {
  std::vector<Dims> result;
  for (const GraphInput& input : graph.inputs()) {
    Dims dims = input.dims;
    if (!dims.empty() && dims[0] == kDynamicDim) dims[0] = 1;
    if (!input.hasDims || std::find(dims.begin(), dims.end(), kDynamicDim) != dims.end()) {
      throwExpected("recipes::fuseConvolution",
                    "dims for the graph input \"" + input.name + "\", which leaves axes open (compile, or `dims`)", "none");
    }
    result.push_back(std::move(dims));
  }
  return result;
}

// --- layers ---------------------------------------------------------------------------------------------------------

/// The window of a convolution or a pooling; nothing where its padding depends on an image size that is not fixed.
std::optional<ConvShape> windowOf(const Operator& op, const Dims& input, const GraphDims& dims, std::span<const DimSize_t> kernel) {
  const auto& strides = op.attribute<Ints>("stride_dims");
  const bool isSame = op.attribute<std::string>("auto_pad").starts_with("SAME");
  const bool hasStride = std::any_of(strides.begin(), strides.end(), [](std::int64_t stride) { return stride != 1; });
  if (isSame && hasStride && !dims.isFixed()) return std::nullopt;
  const SpatialWindow window = resolveWindow(op, input, kernel);
  ConvShape shape{window.kernel, window.stride, window.dilation, window.padBegin, window.padEnd};
  shape.in = input[1];
  return shape;
}

constexpr const char* kSizeMatters = "its padding (auto_pad) depends on the image size, which is not fixed";

/// Reads weight and bias; an empty reason where both are constant.
std::string checkParameters(const GraphView& graph, const NodePtr& node, LinearLayer& layer) {
  const auto weight = parameter(graph, *node, kWeight);
  if (weight.empty()) return "its weight is not a constant of floating-point type";
  const bool withBias = node->getParent(kBias) != nullptr || isFed(graph, node, kBias);
  const auto bias = parameter(graph, *node, kBias);
  if (withBias && bias.empty()) return "its bias is not a constant of floating-point type";
  if (!areFinite(weight) || !areFinite(bias)) return "its parameters are not finite";
  layer.shape.hasBias = anyNonZero(bias);
  return {};
}

LinearLayer readConv(const GraphView& graph, const NodePtr& node, const GraphDims& dims) {
  LinearLayer layer;
  layer.kind = LayerKind::Map;
  layer.isCore = true;
  const Operator& op = *node->getOperator();
  const auto& [producer, index] = node->input(kWeight);
  if (!producer || !producer->getOperator()->isProducer()) return unusable("its weight is not a constant of floating-point type");
  const Dims weight = producer->getOperator()->getOutput(index)->dims();
  const auto shape = windowOf(op, dims.input(node, 0), dims, std::span<const DimSize_t>(weight).subspan(2));
  if (!shape) return unusable(kSizeMatters);
  layer.shape = *shape;
  layer.shape.out = weight[0];
  layer.shape.groups = op.attribute<std::int64_t>("groups");
  layer.reason = checkParameters(graph, node, layer);
  return layer;
}

LinearLayer readFC(const GraphView& graph, const NodePtr& node, const GraphDims& dims) {
  LinearLayer layer;
  layer.kind = LayerKind::FullyConnected;
  layer.isCore = true;
  const Dims& input = dims.input(node, 0);
  layer.shape.in = static_cast<DimSize_t>(elementCount(Dims(input.begin() + 1, input.end())));
  layer.shape.out = dims.output(node)[1];
  layer.reason = checkParameters(graph, node, layer);
  return layer;
}

LinearLayer readBatchNorm(const GraphView& graph, const NodePtr& node, const GraphDims& dims) {
  LinearLayer layer;
  layer.kind = LayerKind::Map;
  const Dims& input = dims.input(node, 0);
  layer.shape = pointwise(input[1], input.size() - 2);
  const ChannelAffine affine = batchNormAffine(graph, *node);
  if (affine.factor.empty()) return unusable("its parameters are not constant or not finite");
  layer.shape.hasBias = anyNonZero(affine.offset);
  return layer;
}

/// Which input of a Mul, Add, Sub or Div is a producer; nothing where none or both are.
std::optional<IOIndex_t> constantInput(const GraphView& graph, const Node& node) {
  const auto isConstant = [&](IOIndex_t index) {
    const NodePtr parent = node.getParent(index);
    return parent && graph.contains(parent) && parent->getOperator()->isProducer();
  };
  if (isConstant(0) == isConstant(1)) return std::nullopt;
  return isConstant(0) ? 0 : 1;
}

/// y = factor · x + offset of a Mul, Add, Sub or Div with one value a channel; no channels where it is no such thing.
ChannelAffine elementwiseAffine(const GraphView& graph, const NodePtr& node, IOIndex_t constant, std::size_t channels, std::size_t rank) {
  const std::string& type = node->type();
  if (type == "Div" && constant == 0) return {};
  const auto& [producer, output] = node->input(constant);
  Dims dims = producer->getOperator()->getOutput(output)->dims();
  std::vector<double> values = parameter(graph, *node, constant);
  if (dims.size() > rank || values.empty()) return {};
  dims.insert(dims.begin(), rank - dims.size(), 1);
  for (std::size_t axis = 0; axis < rank; ++axis) {
    if (axis != 1 && dims[axis] != 1) return {};
  }
  if (values.size() == 1) values.resize(channels, values[0]);
  if (values.size() != channels) return {};
  ChannelAffine affine{std::vector<double>(channels, type == "Sub" && constant == 0 ? -1.0 : 1.0), std::vector<double>(channels, 0.0)};
  for (std::size_t c = 0; c < channels; ++c) {
    if (type == "Mul") affine.factor[c] = values[c];
    if (type == "Div") affine.factor[c] = 1.0 / values[c];
    if (type == "Add" || (type == "Sub" && constant == 0)) affine.offset[c] = values[c];
    if (type == "Sub" && constant == 1) affine.offset[c] = -values[c];
  }
  return areFinite(affine.factor) && areFinite(affine.offset) ? affine : ChannelAffine{};
}

LinearLayer readElementwise(const GraphView& graph, const NodePtr& node, const GraphDims& dims) {
  const auto constant = constantInput(graph, *node);
  if (!constant) return unusable("its operands are both computed, and not from one tensor by linear layers");
  LinearLayer layer;
  layer.kind = LayerKind::Map;
  layer.data = 1 - *constant;
  layer.isOffset = node->type() == "Add" || (node->type() == "Sub" && layer.data == 0);
  const Dims& input = dims.input(node, layer.data);
  if (input.size() < 2 || dims.output(node) != input) return unusable("its constant changes the dims of the data");
  layer.shape = pointwise(input[1], input.size() - 2);
  const ChannelAffine affine = elementwiseAffine(graph, node, *constant, static_cast<std::size_t>(input[1]), input.size());
  if (affine.factor.empty()) return unusable("its constant is not one finite value a channel");
  layer.shape.hasBias = anyNonZero(affine.offset);
  return layer;
}

LinearLayer readAveragePooling(const GraphView&, const NodePtr& node, const GraphDims& dims) {
  const Operator& op = *node->getOperator();
  LinearLayer layer;
  layer.kind = LayerKind::Map;
  const Dims& input = dims.input(node, 0);
  const auto shape = windowOf(op, input, dims, {});
  if (!shape) return unusable(kSizeMatters);
  layer.shape = *shape;
  layer.shape.out = layer.shape.groups = input[1];
  const bool padded = std::any_of(shape->padBegin.begin(), shape->padBegin.end(), [](DimSize_t pad) { return pad != 0; }) ||
                      std::any_of(shape->padEnd.begin(), shape->padEnd.end(), [](DimSize_t pad) { return pad != 0; });
  if (padded && !op.attribute<bool>("count_include_pad")) return unusable("its mean leaves padding out, so that it differs at the border");
  if (!op.attribute<bool>("ceil_mode")) return layer;
  const Dims output(dims.output(node).begin() + 2, dims.output(node).end());
  const Dims spatial(input.begin() + 2, input.end());
  if (!dims.isFixed() || shape->output(spatial) != output) return unusable("its last window (ceil_mode) reaches beyond the padding");
  return layer;
}

LinearLayer readPad(const GraphView&, const NodePtr& node, const GraphDims& dims) {
  const Operator& op = *node->getOperator();
  const Dims& input = dims.input(node, 0);
  if (op.attribute<std::string>("mode") != "constant" || op.attribute<double>("value") != 0.0)
    return unusable("it pads with other than zeros");
  if (input.size() < 3) return unusable("it pads no spatial axes");
  if (op.nbInputs() > 1) return unusable("its pads are computed");
  const AxisPads pads = resolvePads(op, op.attribute<std::vector<std::int64_t>>("pads"), input.size());
  const auto isNegative = [](DimSize_t pad) { return pad < 0; };
  const bool crops =
      std::any_of(pads.begin.begin(), pads.begin.end(), isNegative) || std::any_of(pads.end.begin(), pads.end.end(), isNegative);
  if (crops || pads.begin[0] + pads.begin[1] + pads.end[0] + pads.end[1] != 0) return unusable("it crops, or pads other than spatial axes");
  LinearLayer layer;
  layer.kind = LayerKind::Map;
  layer.shape = pointwise(input[1], input.size() - 2);
  layer.shape.padBegin.assign(pads.begin.begin() + 2, pads.begin.end());
  layer.shape.padEnd.assign(pads.end.begin() + 2, pads.end.end());
  return layer;
}

LinearLayer readPass(const GraphView&, const NodePtr&, const GraphDims&) { return {}; }

LinearLayer readGlobalMean(const GraphView&, const NodePtr& node, const GraphDims& dims) {
  LinearLayer layer;
  layer.kind = LayerKind::GlobalMean;
  const std::size_t rank = dims.input(node, 0).size();
  if (node->type() == "ReduceMean") {
    std::vector<DimIdx_t> spatial(rank < 3 ? 0 : rank - 2);
    std::iota(spatial.begin(), spatial.end(), DimIdx_t{2});
    if (spatial.empty() || resolveReducedAxes(*node->getOperator(), rank) != spatial)
      return unusable("it averages over other than the spatial axes");
    layer.flattens = !node->getOperator()->attribute<bool>("keep_dims");
  }
  return layer;
}

LinearLayer readFlatten(const GraphView&, const NodePtr& node, const GraphDims& dims) {
  const Dims& input = dims.input(node, 0);
  const Dims& output = dims.output(node);
  if (input.size() < 3 || output.size() != 2 || output[0] != input[0]) return unusable("it changes the order of the axes or the batch");
  LinearLayer layer;
  layer.kind = LayerKind::Flatten;
  return layer;
}

const std::unordered_map<std::string_view, Reader>& readers() {
  static const std::unordered_map<std::string_view, Reader> table{{"Conv1D", readConv},
                                                                  {"Conv2D", readConv},
                                                                  {"Conv3D", readConv},
                                                                  {"FC", readFC},
                                                                  {"BatchNorm1D", readBatchNorm},
                                                                  {"BatchNorm2D", readBatchNorm},
                                                                  {"BatchNorm3D", readBatchNorm},
                                                                  {"Mul", readElementwise},
                                                                  {"Add", readElementwise},
                                                                  {"Sub", readElementwise},
                                                                  {"Div", readElementwise},
                                                                  {"AvgPooling1D", readAveragePooling},
                                                                  {"Pad", readPad},
                                                                  {"AvgPooling2D", readAveragePooling},
                                                                  {"Identity", readPass},
                                                                  {"AvgPooling3D", readAveragePooling},
                                                                  {"Dropout", readPass},
                                                                  {"GlobalAveragePooling", readGlobalMean},
                                                                  {"Flatten", readFlatten},
                                                                  {"ReduceMean", readGlobalMean},
                                                                  {"Reshape", readFlatten},
                                                                  {"Squeeze", readFlatten}};
  return table;
}

}  // namespace

GraphDims::GraphDims(const GraphView& graph, std::vector<Dims> inputs) : mInputs(std::move(inputs)) {
  if (mInputs.empty()) mInputs = graph.isCompiled() ? graph.compiledDims() : declaredDims(graph);
  if (mInputs.size() != graph.inputs().size()) {
    throwExpected("recipes::fuseConvolution", "dims for " + std::to_string(graph.inputs().size()) + " graph inputs",
                  std::to_string(mInputs.size()));
  }
  for (std::size_t i = 0; i < mInputs.size(); ++i)
    mFixed = mFixed && graph.inputs()[i].hasDims && sameBehindBatch(graph.inputs()[i].dims, mInputs[i]);
  const auto shapes = graph.inferAllShapes("recipes::fuseConvolution", mInputs);
  for (const auto& [node, infos] : shapes) {
    for (std::size_t i = 0; i < infos.size(); ++i) mOutputs[{node, i}] = infos[i].dims;
  }
  collect(graph, mInputs);
}

void GraphDims::collect(const GraphView& graph, const std::vector<Dims>& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    for (const auto& [node, index] : graph.inputs()[i].targets) mData[{node.get(), index}] = inputs[i];
  }
  for (const NodePtr& node : graph.orderedNodes()) {
    std::vector<Dims> data;
    for (IOIndex_t i = 0; i < node->nbInputs(); ++i) {
      const auto& [parent, output] = node->input(i);
      const auto found = mOutputs.find({parent.get(), output});
      if (graph.contains(parent) && found != mOutputs.end()) mData[{node.get(), i}] = found->second;
      data.push_back(mData[{node.get(), i}]);
    }
    if (node->getOperator()->isMeta()) collect(*node->getOperator()->microGraph(), data);
  }
}

const Dims& GraphDims::input(const NodePtr& node, IOIndex_t index) const { return mData.at({node.get(), index}); }

const Dims& GraphDims::output(const NodePtr& node) const { return mOutputs.at({node.get(), 0}); }

Dims GraphDims::spatial(const Dims& dims) const {
  if (dims.size() < 3) return {};
  return mFixed ? Dims(dims.begin() + 2, dims.end()) : Dims(dims.size() - 2, kDynamicDim);
}

std::optional<LinearLayer> readLayer(const GraphView& graph, const NodePtr& node, const GraphDims& dims) {
  const auto found = readers().find(node->type());
  if (found == readers().end()) return std::nullopt;
  LinearLayer layer = found->second(graph, node, dims);
  if (!layer.isUsable()) return layer;
  if (node->hasHooks() || node->hasObservers()) return unusable("it is hooked or observed");
  for (const GraphOutput& output : graph.outputs()) {
    for (const NodePtr& parent : node->getParents()) {
      if (parent && parent == output.node && parent->getOperator()->isProducer()) return unusable("its parameters are a graph output");
    }
  }
  return layer;
}

ConvMap loadLayer(const GraphView& graph, const NodePtr& node, const LinearLayer& layer) {
  const std::string& type = node->type();
  const auto channels = static_cast<std::size_t>(layer.shape.in);
  if (layer.isCore) return {layer.shape, parameter(graph, *node, kWeight), parameter(graph, *node, kBias)};
  if (isBatchNorm(type)) {
    ChannelAffine affine = batchNormAffine(graph, *node);
    return {layer.shape, std::move(affine.factor), std::move(affine.offset)};
  }
  if (type.starts_with("AvgPooling")) {
    const auto taps = static_cast<std::size_t>(layer.shape.taps());
    return {layer.shape, std::vector<double>(channels * taps, 1.0 / static_cast<double>(taps)), {}};
  }
  if (type == "Pad") return {layer.shape, std::vector<double>(channels, 1.0), {}};
  ChannelAffine affine = elementwiseAffine(graph, node, 1 - layer.data, channels, layer.shape.axes() + 2);
  return {layer.shape, std::move(affine.factor), std::move(affine.offset)};
}

}  // namespace Aidge::detail
