#include "LinearLayer.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "../layers/Layers.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/operator/ShapeUtils.hpp"
#include "aidge/scheduler/Inference.hpp"

namespace Aidge::detail {

namespace {

using layers::kBias;
using layers::kWeight;
using layers::parameter;
using Reader = LinearLayer (*)(const GraphView&, const NodePtr&, const GraphDims&);

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

// --- layers ---------------------------------------------------------------------------------------------------------

constexpr const char* kSizeMatters = "its padding (auto_pad) depends on the image size, which is not fixed";

/// Reads weight and bias; an empty reason where both are constant.
std::string checkParameters(const GraphView& graph, const NodePtr& node, LinearLayer& layer) {
  const auto weight = parameter(graph, *node, kWeight);
  if (weight.empty()) return "its weight is not a constant of floating-point type";
  const bool withBias = node->getParent(kBias) != nullptr || layers::isFed(graph, node, kBias);
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
  const auto shape = convShape(op, dims.spatial(dims.input(node, 0)), producer->getOperator()->getOutput(index)->dims());
  if (!shape) return unusable(kSizeMatters);
  layer.shape = *shape;
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
  const auto affine = layers::affineOf(graph, *node, 0, input);
  if (!affine) return unusable("its parameters are not constant or not finite");
  layer.shape.hasBias = anyNonZero(affine->offset);
  return layer;
}

/// Which input of an arithmetic operator is computed; nothing where none or several are.
std::optional<IOIndex_t> dataInput(const GraphView& graph, const Node& node) {
  std::optional<IOIndex_t> data;
  for (IOIndex_t i = 0; i < node.nbInputs(); ++i) {
    const NodePtr parent = node.getParent(i);
    if (parent && graph.contains(parent) && parent->getOperator()->isProducer()) continue;
    if (data) return std::nullopt;
    data = i;
  }
  return data;
}

LinearLayer readArithmetic(const GraphView& graph, const NodePtr& node, const GraphDims& dims) {
  const auto data = dataInput(graph, *node);
  if (!data) return unusable("its operands are both computed, and not from one tensor by linear layers");
  LinearLayer layer;
  layer.kind = LayerKind::Map;
  layer.data = *data;
  const Role role = node->getOperator()->role();
  layer.isOffset = role == Role::Sum || (role == Role::Difference && layer.data == 0);
  const Dims& input = dims.input(node, layer.data);
  if (input.size() < 2 || dims.output(node) != input) return unusable("its constant changes the dims of the data");
  layer.shape = pointwise(input[1], input.size() - 2);
  const auto affine = layers::affineOf(graph, *node, layer.data, input);
  if (!affine) return unusable("its constant is not one finite value a channel");
  layer.shape.hasBias = anyNonZero(affine->offset);
  return layer;
}

LinearLayer readAveragePooling(const GraphView&, const NodePtr& node, const GraphDims& dims) {
  const Operator& op = *node->getOperator();
  LinearLayer layer;
  layer.kind = LayerKind::Map;
  const Dims& input = dims.input(node, 0);
  const auto shape = windowShape(op, dims.spatial(input));
  if (!shape) return unusable(kSizeMatters);
  layer.shape = *shape;
  layer.shape.in = layer.shape.out = layer.shape.groups = input[1];
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
  if (node->getOperator()->role() == Role::AverageReduction) {
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

/// nullptr if the operator is not linear in its data.
Reader readerOf(const Operator& op) {
  switch (op.role()) {
    case Role::Convolution:
      return readConv;
    case Role::FullyConnected:
      return readFC;
    case Role::BatchNorm:
      return readBatchNorm;
    case Role::AveragePooling:
      return op.traits().spatial > 0 ? readAveragePooling : readGlobalMean;
    case Role::AverageReduction:
      return readGlobalMean;
    case Role::Padding:
      return readPad;
    case Role::Renaming:
      return readPass;
    case Role::Reshaping:
      return readFlatten;
    default:
      return op.traits().affine != notAffine ? readArithmetic : nullptr;
  }
}

}  // namespace

GraphDims::GraphDims(const GraphView& graph, std::vector<Dims> inputs)
    : mInputs(fixedInputDims("recipes::fuseConvolution", graph, std::move(inputs))),
      mShapes(graph.inferShapes(mInputs, kernelInference())) {
  for (std::size_t i = 0; i < mInputs.size(); ++i)
    mFixed = mFixed && graph.inputs()[i].hasDims && sameBehindBatch(graph.inputs()[i].dims, mInputs[i]);
}

const Dims& GraphDims::input(const NodePtr& node, IOIndex_t index) const { return mShapes.inputsOf(node.get())->at(index).dims; }

const Dims& GraphDims::output(const NodePtr& node) const { return mShapes.at(node.get()).at(0).dims; }

double GraphDims::workOf(const NodePtr& node) const {
  const auto info = [](const Dims& dims) { return TensorInfo{dims, DataType::Float32, nullptr}; };
  std::vector<TensorInfo> inputs;
  for (IOIndex_t i = 0; i < node->nbInputs(); ++i) inputs.push_back(info(input(node, i)));
  const std::vector<TensorInfo> outputs{info(output(node))};
  return layers::workOf(*node->getOperator(), inputs, outputs);
}

Dims GraphDims::spatial(const Dims& dims) const {
  if (dims.size() < 3) return {};
  return mFixed ? Dims(dims.begin() + 2, dims.end()) : Dims(dims.size() - 2, kDynamicDim);
}

std::optional<LinearLayer> readLayer(const GraphView& graph, const NodePtr& node, const GraphDims& dims) {
  const Reader read = readerOf(*node->getOperator());
  if (read == nullptr) return std::nullopt;
  if (!dims.knows(node)) return unusable("its sizes are known only when it runs");
  LinearLayer layer = read(graph, node, dims);
  if (!layer.isUsable()) return layer;
  if (node->hasHooks() || node->hasObservers()) return unusable("it is hooked or observed");
  for (const GraphOutput& output : graph.outputs()) {
    for (const NodePtr& parent : node->getParents()) {
      if (parent && parent == output.node && parent->getOperator()->isProducer()) return unusable("its parameters are a graph output");
    }
  }
  return layer;
}

ConvMap loadLayer(const GraphView& graph, const NodePtr& node, const LinearLayer& layer, const Dims& input) {
  if (layer.isCore) return {layer.shape, parameter(graph, *node, kWeight), parameter(graph, *node, kBias)};
  if (auto affine = layers::affineOf(graph, *node, layer.data, input))
    return {layer.shape, std::move(affine->factor), std::move(affine->offset)};
  // A mean over windows, or a Pad, whose one tap is 1.
  const auto taps = static_cast<std::size_t>(layer.shape.taps());
  const auto channels = static_cast<std::size_t>(layer.shape.in);
  return {layer.shape, std::vector<double>(channels * taps, 1.0 / static_cast<double>(taps)), {}};
}

}  // namespace Aidge::detail
