#include "FusionRefusals.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>

#include "../layers/Layers.hpp"

namespace Aidge::detail {

namespace {

/// Where a node stands: in which chain at which place, the outermost first.
struct Place {
  const Chain* chain;
  std::size_t index;
};
using Places = std::unordered_map<const Node*, std::vector<Place>>;

void locate(const Chain& chain, std::vector<Place> outer, Places& places) {
  for (std::size_t i = 0; i < chain.size(); ++i) {
    outer.push_back({&chain, i});
    places[chain[i].node.get()] = outer;
    for (const Chain& branch : chain[i].branches) locate(branch, outer, places);
    outer.pop_back();
  }
}

class Explainer {
 public:
  Explainer(const GraphView& graph, const ChainFinder& finder, const FusionPlanner& planner)
      : mGraph(graph), mFinder(finder), mPlanner(planner) {}

  void prepare(const std::vector<Chain>& chains, const std::vector<Segment>& segments) {
    for (const Chain& chain : chains) locate(chain, {}, mPlaces);
    for (std::size_t i = 0; i < segments.size(); ++i) {
      for (const NodePtr& node : segments[i].nodes()) mSegments[node.get()] = i;
    }
  }

  void explain(const NodePtr& second, IOIndex_t index, std::vector<RefusedMerge>& refused) {
    TensorRef wire = mFinder.sourceAt(second, index);
    std::string kept = mFinder.whyKept(wire, {{second, index}});
    while (wire.node && isPass(wire.node)) {
      const NodePtr pass = wire.node;
      wire = mFinder.sourceAt(pass, 0);
      if (kept.empty()) kept = mFinder.whyKept(wire, {{pass, 0}});
    }
    const NodePtr& first = wire.node;
    if (!first || !mFinder.layerOf(first)) return;
    const auto a = mSegments.find(first.get());
    const auto b = mSegments.find(second.get());
    if (a != mSegments.end() && b != mSegments.end() && a->second == b->second) return;
    if (!layers::isConvOrFC(*first->getOperator()) && !layers::isConvOrFC(*second->getOperator())) return;
    const auto common = commonPlace(first, second);
    if (common && !mTold.insert(*common).second) return;
    refused.push_back({first->name(), second->name(), reason(first, second, common, kept)});
  }

  [[nodiscard]] bool isPass(const NodePtr& node) const {
    const auto& layer = mFinder.layerOf(node);
    return layer && layer->isUsable() && (layer->kind == LayerKind::Pass || layer->kind == LayerKind::Flatten);
  }

 private:
  using Common = std::tuple<const Chain*, std::size_t, std::size_t>;

  /// The innermost chain that holds both, and where.
  [[nodiscard]] std::optional<Common> commonPlace(const NodePtr& first, const NodePtr& second) const {
    const auto a = mPlaces.find(first.get());
    const auto b = mPlaces.find(second.get());
    std::optional<Common> common;
    if (a == mPlaces.end() || b == mPlaces.end()) return common;
    for (std::size_t level = 0; level < std::min(a->second.size(), b->second.size()); ++level) {
      if (a->second[level].chain != b->second[level].chain) break;
      common = {a->second[level].chain, a->second[level].index, b->second[level].index};
    }
    return common;
  }

  [[nodiscard]] std::string reason(const NodePtr& first, const NodePtr& second, const std::optional<Common>& common,
                                   const std::string& kept) const {
    if (common) return mPlanner.whyApart(*std::get<0>(*common), std::get<1>(*common), std::get<2>(*common));
    for (const NodePtr& node : {first, second}) {
      const auto& layer = mFinder.layerOf(node);
      if (!layer->isUsable() && mPlaces.count(node.get()) == 0) return node->describe() + ": " + layer->reason;
    }
    return kept.empty() ? "they are in different branches of a sum" : kept;
  }

  const GraphView& mGraph;
  const ChainFinder& mFinder;
  const FusionPlanner& mPlanner;
  Places mPlaces;
  std::unordered_map<const Node*, std::size_t> mSegments;
  std::set<Common> mTold;
};

}  // namespace

std::vector<RefusedMerge> explainRefusals(const GraphView& graph, const ChainFinder& finder, const std::vector<Chain>& chains,
                                          const std::vector<Segment>& segments, const FusionPlanner& planner) {
  Explainer explainer(graph, finder, planner);
  explainer.prepare(chains, segments);
  std::vector<RefusedMerge> refused;
  for (const NodePtr& node : graph.orderedNodes()) {
    const auto& layer = finder.layerOf(node);
    if (!layer || explainer.isPass(node)) continue;
    for (IOIndex_t i = 0; i < node->nbInputs(); ++i) {
      const bool isData = node->inputCategory(i) == InputCategory::Data && (!layer->isUsable() || i == layer->data);
      if (isData) explainer.explain(node, i, refused);
    }
  }
  return refused;
}

}  // namespace Aidge::detail
