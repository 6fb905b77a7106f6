#include "aidge/recipes/FuseBatchNorm.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aidge/core/Errors.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge {

namespace {

constexpr IOIndex_t kWeight = 1;
constexpr IOIndex_t kBias = 2;

/// y = factor · x + offset, a channel at a time.
struct Affine {
  std::vector<double> factor;
  std::vector<double> offset;
};

bool isFoldable(std::string_view type) {
  static constexpr std::array<std::string_view, 7> kTypes{"Conv1D",          "Conv2D",          "Conv3D", "ConvTranspose1D",
                                                          "ConvTranspose2D", "ConvTranspose3D", "FC"};
  return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

bool isBatchNorm(std::string_view type) { return type == "BatchNorm1D" || type == "BatchNorm2D" || type == "BatchNorm3D"; }

/// The values of the producer at an input of `node`; nothing where there is none, or not of a floating-point type.
std::vector<double> parameter(const GraphView& graph, const Node& node, IOIndex_t index) {
  const auto& [producer, output] = node.input(index);
  if (!graph.contains(producer) || !producer->getOperator()->isProducer()) return {};
  const Tensor& value = *producer->getOperator()->getOutput(output);
  const bool isFloat = value.dataType() == DataType::Float32 || value.dataType() == DataType::Float64 ||
                       value.dataType() == DataType::Float16 || value.dataType() == DataType::BFloat16;
  return isFloat && value.hasData() ? value.toDoubles() : std::vector<double>{};
}

/// What the BatchNorm does; no channels where that is not constant or not finite.
Affine affineOf(const GraphView& graph, const Node& norm) {
  const auto scale = parameter(graph, norm, 1);
  const auto shift = parameter(graph, norm, 2);
  const auto mean = parameter(graph, norm, 3);
  const auto variance = parameter(graph, norm, 4);
  const double epsilon = norm.getOperator()->attribute<double>("epsilon");
  const std::size_t channels = scale.size();
  if (shift.size() != channels || mean.size() != channels || variance.size() != channels) return {};
  Affine affine;
  for (std::size_t c = 0; c < channels; ++c) {
    affine.factor.push_back(scale[c] / std::sqrt(variance[c] + epsilon));
    affine.offset.push_back(shift[c] - mean[c] * affine.factor[c]);
    if (!std::isfinite(affine.factor[c]) || !std::isfinite(affine.offset[c])) return {};
  }
  return affine;
}

/// Output channel of every weight element: axis 0, but for ConvTranspose (in, out / groups, kernel …).
std::vector<double> scaledWeight(const Operator& op, const Dims& dims, std::vector<double> weight, std::span<const double> factor) {
  const std::size_t inner = weight.size() / static_cast<std::size_t>(dims[0]);
  if (!op.type().starts_with("ConvTranspose")) {
    for (std::size_t i = 0; i < weight.size(); ++i) weight[i] *= factor[i / inner];
    return weight;
  }
  const auto perGroup = static_cast<std::size_t>(dims[1]);
  const std::size_t inPerGroup = static_cast<std::size_t>(dims[0]) / static_cast<std::size_t>(op.attribute<std::int64_t>("groups"));
  const std::size_t kernel = inner / perGroup;
  for (std::size_t i = 0; i < weight.size(); ++i) weight[i] *= factor[i / inner / inPerGroup * perGroup + i / kernel % perGroup];
  return weight;
}

std::size_t outputChannels(const Operator& op, const Dims& dims) {
  if (dims.size() < 2) return 0;
  return static_cast<std::size_t>(op.type().starts_with("ConvTranspose") ? dims[1] * op.attribute<std::int64_t>("groups") : dims[0]);
}

/// Gives `node`'s input the value: in its producer, or in a new one where there is none or others share it.
void setParameter(const GraphViewPtr& graph, const NodePtr& node, IOIndex_t index, const std::string& name, const Tensor& value) {
  const NodePtr present = node->getParent(index);
  const bool isExit =
      std::any_of(graph->outputs().begin(), graph->outputs().end(), [&](const GraphOutput& output) { return output.node == present; });
  if (present && present->output(0).size() == 1 && !isExit) {
    present->getOperator()->setOutput(0, value);
    return;
  }
  const NodePtr producer = Producer(value, graph->uniqueName(name));
  graph->add(producer);
  node->setInput(index, producer);
}

/// True if the graph's user feeds this input.
bool isFed(const GraphView& graph, const NodePtr& node, IOIndex_t index) {
  return std::any_of(graph.inputs().begin(), graph.inputs().end(), [&](const GraphInput& input) {
    return std::find(input.targets.begin(), input.targets.end(), Node::Edge{node, index}) != input.targets.end();
  });
}

/// True if nobody but `consumer` sees the output of `node`.
bool feedsOnly(const GraphView& graph, const NodePtr& node, const NodePtr& consumer) {
  const auto edges = node->output(0);
  const bool isExit =
      std::any_of(graph.outputs().begin(), graph.outputs().end(), [&](const GraphOutput& output) { return output.node == node; });
  return !isExit && edges.size() == 1 && edges.front().first == consumer;
}

bool fuse(const GraphViewPtr& graph, const NodePtr& norm) {
  const NodePtr layer = norm->getParent(0);
  if (!graph->contains(layer) || !isFoldable(layer->type()) || !feedsOnly(*graph, layer, norm)) return false;
  const Affine affine = affineOf(*graph, *norm);
  const auto weight = parameter(*graph, *layer, kWeight);
  if (affine.factor.empty() || weight.empty() || isFed(*graph, layer, kBias)) return false;
  const Operator& op = *layer->getOperator();
  const Tensor old = *layer->getParent(kWeight)->getOperator()->getOutput(0);
  const std::size_t channels = outputChannels(op, old.dims());
  std::vector<double> bias = layer->getParent(kBias) ? parameter(*graph, *layer, kBias) : std::vector<double>(channels, 0.0);
  if (channels != affine.factor.size() || bias.size() != channels) return false;
  for (std::size_t c = 0; c < channels; ++c) bias[c] = bias[c] * affine.factor[c] + affine.offset[c];

  const auto scaled = scaledWeight(op, old.dims(), weight, affine.factor);
  setParameter(graph, layer, kWeight, layer->name() + "_w",
               Tensor::fromValues<double>(old.dims(), std::span<const double>(scaled)).cast(old.dataType()));
  setParameter(graph, layer, kBias, layer->name() + "_b",
               Tensor::fromValues<double>({static_cast<DimSize_t>(channels)}, std::span<const double>(bias)).cast(old.dataType()));
  graph->bypass(norm);
  return true;
}

}  // namespace

std::size_t fuseBatchNorm(const GraphViewPtr& graph) {
  if (!graph) throwExpected("recipes::fuseBatchNorm", "a graph", "none");
  std::size_t fused = 0;
  graph->transaction([&] {
    for (const NodePtr& node : graph->orderedNodesDeep()) {
      if (!isBatchNorm(node->type())) continue;
      const GraphViewPtr owner = graph->ownerOf(node);
      if (owner && fuse(owner, node)) ++fused;
    }
  });
  return fused;
}

}  // namespace Aidge
