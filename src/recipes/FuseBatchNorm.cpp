#include "aidge/recipes/FuseBatchNorm.hpp"

#include <algorithm>

#include "../layers/Layers.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge {

namespace {

using layers::kBias;
using layers::kWeight;

/// True if nobody but `consumer` sees the output of `node`.
bool feedsOnly(const GraphView& graph, const NodePtr& node, const NodePtr& consumer) {
  const auto edges = node->output(0);
  const bool isExit =
      std::any_of(graph.outputs().begin(), graph.outputs().end(), [&](const GraphOutput& output) { return output.node == node; });
  return !isExit && edges.size() == 1 && edges.front().node == consumer;
}

}  // namespace

bool foldBatchNorm(const GraphViewPtr& graph, const NodePtr& norm) {
  const NodePtr layer = norm->getParent(0);
  if (!graph->contains(layer) || !layers::isWeighted(*layer->getOperator()) || !feedsOnly(*graph, layer, norm)) return false;
  const Operator& op = *layer->getOperator();
  const auto affine = layers::affineOf(*graph, *norm, 0, {});
  const auto weight = layers::constantAt(*graph, *layer, kWeight);
  const auto bias = layers::constantAt(*graph, *layer, kBias);
  if (!affine || weight == nullptr || layers::isFed(*graph, layer, kBias)) return false;
  const std::size_t channels = affine->factor.size();
  const bool biasFits = layer->getParent(kBias) ? bias != nullptr && bias->size() == channels : true;
  if (channels == 0 || layers::outputChannels(op, weight->dims()) != channels || !biasFits) return false;
  const Tensor scaled = layers::scaledWeight(op, *weight, affine->factor);
  const Tensor mapped = layers::mappedBias(bias.get(), *affine, weight->dataType());
  layers::setParameter(graph, layer, kWeight, layer->name() + "_w", scaled);
  layers::setParameter(graph, layer, kBias, layer->name() + "_b", mapped);
  graph->bypass(norm);
  return true;
}

std::size_t fuseBatchNorm(const GraphViewPtr& graph) {
  if (!graph) throwExpected("recipes::fuseBatchNorm", "a graph", "none");
  std::size_t fused = 0;
  graph->transaction([&] {
    for (const NodePtr& node : graph->orderedNodesDeep()) {
      if (node->getOperator()->role() != Role::BatchNorm) continue;
      const GraphViewPtr owner = graph->ownerOf(node);
      if (owner && foldBatchNorm(owner, node)) ++fused;
    }
  });
  return fused;
}

}  // namespace Aidge
