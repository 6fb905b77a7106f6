// A region of a graph makes way for new nodes.
#include <algorithm>
#include <optional>
#include <unordered_set>

#include "aidge/core/Errors.hpp"
#include "aidge/graph/GraphView.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge {

/// The one tensor that goes into a region, and the one that leaves it.
struct GraphView::RegionBorder {
  std::optional<TensorRef> source;        ///< null node: what the user feeds
  std::optional<std::size_t> graphInput;  ///< which entry feeds the region
  std::vector<TensorRef> heads;           ///< (node, input) of the region that take it
  std::optional<TensorRef> exit;
};

namespace {

constexpr const char* kWhere = "graph::replace";
using NodeSet = std::unordered_set<const Node*>;

[[noreturn]] void throwSeveral(const char* what) {
  throwExpected(kWhere, std::string("a region that ") + what + " one tensor", "one with several");
}

/// Whether an edge brings data from outside of the region: not a parameter, not from within.
bool comesFromOutside(const TensorRef& edge, const NodeSet& inside) {
  return !edge.node || (inside.count(edge.node.get()) == 0 && !edge.node->getOperator()->isProducer());
}

}  // namespace

GraphView::RegionBorder GraphView::borderOf(std::span<const NodePtr> region) const {
  NodeSet inside;
  for (const NodePtr& node : region) {
    if (!contains(node)) throwExpected(kWhere, "nodes of this graph", node ? node->describe() : "none");
    inside.insert(node.get());
  }
  RegionBorder border;
  const auto addHead = [&](const NodePtr& node, IOIndex_t index) {
    std::optional<std::size_t> entry;
    for (std::size_t g = 0; g < mInputs.size(); ++g) {
      const auto& targets = mInputs[g].targets;
      if (std::find(targets.begin(), targets.end(), TensorRef{node, index}) != targets.end()) entry = g;
    }
    if (border.source && (*border.source != node->input(index) || border.graphInput != entry)) throwSeveral("takes");
    border.source = node->input(index);
    border.graphInput = entry;
    border.heads.push_back({node, index});
  };
  const auto isExit = [&](const NodePtr& node, IOIndex_t index) {
    const auto consumers = node->output(index);
    return std::any_of(consumers.begin(), consumers.end(), [&](const TensorRef& edge) { return inside.count(edge.node.get()) == 0; }) ||
           std::any_of(mOutputs.begin(), mOutputs.end(), [&](const GraphOutput& out) { return out.node == node && out.index == index; });
  };
  for (const NodePtr& node : region) {
    for (IOIndex_t i = 0; i < node->nbInputs(); ++i) {
      if (comesFromOutside(node->input(i), inside) && (node->getParent(i) || isBoundaryInput(*node, i))) addHead(node, i);
    }
    for (IOIndex_t i = 0; i < node->nbOutputs(); ++i) {
      if (!isExit(node, i)) continue;
      if (border.exit) throwSeveral("gives");
      border.exit = TensorRef{node, i};
    }
  }
  if (!border.source || !border.exit) throwExpected(kWhere, "a region that takes one tensor and gives one", "one without");
  return border;
}

double GraphView::eraseRegion(std::span<const NodePtr> region) {
  double at = endPlace();
  std::vector<NodePtr> parameters;
  for (const NodePtr& node : region) {
    at = std::min(at, mPlaces.at(node.get()));
    for (IOIndex_t i = 0; i < node->nbInputs(); ++i) {
      const NodePtr parent = node->getParent(i);
      if (contains(parent) && parent->getOperator()->isProducer()) parameters.push_back(parent);
      node->resetInput(i);
    }
  }
  for (const NodePtr& node : region) eraseNode(node);
  for (const NodePtr& producer : parameters) {
    const bool isExit = std::any_of(mOutputs.begin(), mOutputs.end(), [&](const GraphOutput& out) { return out.node == producer; });
    if (contains(producer) && producer->getChildren().empty() && !isExit) eraseNode(producer);
  }
  return at;
}

void GraphView::insertChain(std::span<const NodePtr> chain, double at) {
  std::vector<NodePtr> added;
  const auto append = [&](const NodePtr& node) {
    if (!contains(node) && std::find(added.begin(), added.end(), node) == added.end()) added.push_back(node);
  };
  for (const NodePtr& node : chain) {
    for (const TensorRef& edge : node->inputs()) {
      if (edge.node && edge.node->getOperator()->isProducer()) append(edge.node);
    }
    append(node);
  }
  const std::vector<double> places = placesFrom(at, added.size());
  for (std::size_t i = 0; i < added.size(); ++i) insertNodeAt(added[i], places[i]);
}

void GraphView::replace(std::span<const NodePtr> region, std::span<const NodePtr> chain) {
  if (chain.empty()) throwExpected(kWhere, "a new node", "none");
  for (const NodePtr& node : chain) {
    if (!node || contains(node)) throwExpected(kWhere, "new nodes that are not in the graph", node ? node->describe() : "none");
  }
  const std::vector<NodePtr> old(region.begin(), region.end());
  const RegionBorder border = borderOf(old);
  transaction([&] {
    const std::vector<TensorRef> consumers = border.exit->node->output(border.exit->index);
    if (border.graphInput) {
      auto& targets = mInputs[*border.graphInput].targets;
      std::erase_if(targets, [&](const TensorRef& target) {
        return std::find(border.heads.begin(), border.heads.end(), target) != border.heads.end();
      });
      targets.push_back({chain.front(), 0});
    }
    for (GraphOutput& output : mOutputs) {
      if (output.node == border.exit->node && output.index == border.exit->index) output = {output.name, chain.back(), 0};
    }
    for (const TensorRef& edge : consumers) {
      if (std::find(old.begin(), old.end(), edge.node) == old.end()) edge.node->setInput(edge.index, chain.back(), 0);
    }
    const double at = eraseRegion(old);
    if (border.source->node) chain.front()->setInput(0, border.source->node, border.source->index);
    insertChain(chain, at);
  });
}

}  // namespace Aidge
