#include "aidge/recipes/FuseBatchNorm.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "LayerParameters.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge {

namespace {

constexpr IOIndex_t kWeight = 1;
constexpr IOIndex_t kBias = 2;

bool isFoldable(std::string_view type) {
  static constexpr std::array<std::string_view, 7> kTypes{"Conv1D",          "Conv2D",          "Conv3D", "ConvTranspose1D",
                                                          "ConvTranspose2D", "ConvTranspose3D", "FC"};
  return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
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

/// True if nobody but `consumer` sees the output of `node`.
bool feedsOnly(const GraphView& graph, const NodePtr& node, const NodePtr& consumer) {
  const auto edges = node->output(0);
  const bool isExit =
      std::any_of(graph.outputs().begin(), graph.outputs().end(), [&](const GraphOutput& output) { return output.node == node; });
  return !isExit && edges.size() == 1 && edges.front().first == consumer;
}

}  // namespace

namespace detail {

bool foldBatchNorm(const GraphViewPtr& graph, const NodePtr& norm) {
  const NodePtr layer = norm->getParent(0);
  if (!graph->contains(layer) || !isFoldable(layer->type()) || !feedsOnly(*graph, layer, norm)) return false;
  const detail::ChannelAffine affine = detail::batchNormAffine(*graph, *norm);
  const auto weight = detail::parameter(*graph, *layer, kWeight);
  if (affine.factor.empty() || weight.empty() || detail::isFed(*graph, layer, kBias)) return false;
  const Operator& op = *layer->getOperator();
  const Tensor old = *layer->getParent(kWeight)->getOperator()->getOutput(0);
  const std::size_t channels = outputChannels(op, old.dims());
  std::vector<double> bias = layer->getParent(kBias) ? detail::parameter(*graph, *layer, kBias) : std::vector<double>(channels, 0.0);
  if (channels != affine.factor.size() || bias.size() != channels) return false;
  for (std::size_t c = 0; c < channels; ++c) bias[c] = bias[c] * affine.factor[c] + affine.offset[c];

  const auto scaled = scaledWeight(op, old.dims(), weight, affine.factor);
  detail::setParameter(graph, layer, kWeight, layer->name() + "_w",
                       Tensor::fromValues<double>(old.dims(), std::span<const double>(scaled)).cast(old.dataType()));
  detail::setParameter(graph, layer, kBias, layer->name() + "_b",
                       Tensor::fromValues<double>({static_cast<DimSize_t>(channels)}, std::span<const double>(bias)).cast(old.dataType()));
  graph->bypass(norm);
  return true;
}

}  // namespace detail

std::size_t fuseBatchNorm(const GraphViewPtr& graph) {
  if (!graph) throwExpected("recipes::fuseBatchNorm", "a graph", "none");
  std::size_t fused = 0;
  graph->transaction([&] {
    for (const NodePtr& node : graph->orderedNodesDeep()) {
      if (!detail::isBatchNorm(node->type())) continue;
      const GraphViewPtr owner = graph->ownerOf(node);
      if (owner && detail::foldBatchNorm(owner, node)) ++fused;
    }
  });
  return fused;
}

}  // namespace Aidge
