#include "aidge/recipes/FuseBatchNorm.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

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

/// A BatchNorm and the layer that can take it over.
struct Fold {
  NodePtr norm;
  NodePtr layer;
  ChannelAffine affine;
};

std::optional<Fold> readFold(const GraphView& graph, const NodePtr& norm) {
  const NodePtr layer = norm->getParent(0);
  if (!graph.contains(layer) || !layers::isWeighted(*layer->getOperator()) || !feedsOnly(graph, layer, norm)) return std::nullopt;
  auto affine = layers::affineOf(graph, *norm, 0, {});
  const auto weight = layers::constantAt(graph, *layer, kWeight);
  const auto bias = layers::constantAt(graph, *layer, kBias);
  if (!affine || weight == nullptr || layers::isFed(graph, layer, kBias)) return std::nullopt;
  const std::size_t channels = affine->factor.size();
  const bool biasFits = layer->getParent(kBias) ? bias != nullptr && bias->size() == channels : true;
  if (channels == 0 || layers::outputChannels(*layer->getOperator(), weight->dims()) != channels || !biasFits) return std::nullopt;
  return Fold{norm, layer, std::move(*affine)};
}

/// The fold and those of all layers that share its weight; empty if one of them cannot take over the same map.
std::vector<Fold> tiedFolds(const GraphView& graph, const Fold& fold) {
  const NodePtr weight = fold.layer->getParent(kWeight);
  const Operator& op = *fold.layer->getOperator();
  const bool isExit =
      std::any_of(graph.outputs().begin(), graph.outputs().end(), [&](const GraphOutput& output) { return output.node == weight; });
  if (isExit) return {};
  std::vector<Fold> folds;
  for (const auto& [node, input] : weight->output(0)) {
    const auto readers = node->output(0);
    if (input != kWeight || node->getOperator()->role() != op.role() || readers.size() != 1 || !graph.contains(readers[0].node)) return {};
    const bool isNorm = readers[0].node->getOperator()->role() == Role::BatchNorm && readers[0].index == 0;
    auto other = isNorm ? readFold(graph, readers[0].node) : std::nullopt;
    if (!other || other->affine.factor != fold.affine.factor || other->affine.offset != fold.affine.offset) return {};
    folds.push_back(std::move(*other));
  }
  return folds;
}

/// Folds a BatchNorm, with those behind the layers that share the weight; returns how many went.
std::size_t foldTied(const GraphViewPtr& graph, const NodePtr& norm) {
  const auto fold = readFold(*graph, norm);
  if (!fold) return 0;
  const std::vector<Fold> folds = tiedFolds(*graph, *fold);
  if (folds.empty()) return 0;
  const auto weight = layers::constantAt(*graph, *fold->layer, kWeight);
  std::vector<TensorRef> weights;
  std::map<NodePtr, std::vector<TensorRef>> biases;  // by producer, nullptr: none
  for (const Fold& each : folds) {
    weights.push_back({each.layer, kWeight});
    biases[each.layer->getParent(kBias)].push_back({each.layer, kBias});
  }
  layers::setParameter(graph, weights, fold->layer->name() + "_w",
                       layers::scaledWeight(*fold->layer->getOperator(), *weight, fold->affine.factor));
  for (const Fold& each : folds) {
    const auto found = biases.find(each.layer->getParent(kBias));
    if (found == biases.end()) continue;  // done with those that share it
    const auto bias = layers::constantAt(*graph, *each.layer, kBias);
    const std::vector<TensorRef> inputs = std::move(found->second);
    biases.erase(found);
    layers::setParameter(graph, inputs, each.layer->name() + "_b", layers::mappedBias(bias.get(), fold->affine, weight->dataType()));
  }
  for (const Fold& each : folds) graph->bypass(each.norm);
  return folds.size();
}

}  // namespace

bool foldBatchNorm(const GraphViewPtr& graph, const NodePtr& norm) { return foldTied(graph, norm) > 0; }

std::size_t fuseBatchNorm(const GraphViewPtr& graph) {
  if (!graph) throwExpected("recipes::fuseBatchNorm", "a graph", "none");
  std::size_t fused = 0;
  graph->transaction([&] {
    for (const NodePtr& node : graph->orderedNodesDeep()) {
      if (node->getOperator()->role() != Role::BatchNorm) continue;
      const GraphViewPtr owner = graph->ownerOf(node);
      if (owner) fused += foldTied(owner, node);
    }
  });
  return fused;
}

}  // namespace Aidge
