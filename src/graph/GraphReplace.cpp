// A region of a graph makes way for new nodes.
#include <algorithm>
#include <optional>
#include <set>
#include <unordered_set>

#include "aidge/core/Errors.hpp"
#include "aidge/graph/GraphView.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge {

/// The one tensor that goes into a region, and the one that leaves it.
struct GraphView::RegionBorder {
  std::optional<Node::Edge> source;       ///< null node: what the user feeds
  std::optional<std::size_t> graphInput;  ///< which entry feeds the region
  std::vector<Node::Edge> heads;          ///< (node, input) of the region that take it
  std::optional<Node::Edge> exit;
};

namespace {

constexpr const char* kWhere = "graph::replace";

void requireSame(const std::optional<Node::Edge>& present, const Node::Edge& found, const char* what) {
  if (present && *present != found) throwExpected(kWhere, std::string("a region that ") + what + " one tensor", "one with several");
}

}  // namespace

GraphView::RegionBorder GraphView::borderOf(std::span<const NodePtr> region) const {
  std::unordered_set<const Node*> inside;
  for (const NodePtr& node : region) {
    if (!contains(node)) throwExpected(kWhere, "nodes of this graph", node ? node->describe() : "none");
    inside.insert(node.get());
  }
  RegionBorder border;
  for (const NodePtr& node : region) {
    for (IOIndex_t i = 0; i < node->nbInputs(); ++i) {
      const Node::Edge& edge = node->input(i);
      if (edge.first && (inside.count(edge.first.get()) != 0 || edge.first->getOperator()->isProducer())) continue;
      if (!edge.first && !isBoundaryInput(*node, i)) continue;
      std::optional<std::size_t> entry;
      for (std::size_t g = 0; g < mInputs.size(); ++g) {
        const auto& targets = mInputs[g].targets;
        if (std::find(targets.begin(), targets.end(), Node::Edge{node, i}) != targets.end()) entry = g;
      }
      requireSame(border.source, edge, "takes");
      if (border.source && border.graphInput != entry) throwExpected(kWhere, "a region that takes one tensor", "one with several");
      border.source = edge;
      border.graphInput = entry;
      border.heads.emplace_back(node, i);
    }
    for (IOIndex_t i = 0; i < node->nbOutputs(); ++i) {
      const auto consumers = node->output(i);
      const bool leaves =
          std::any_of(consumers.begin(), consumers.end(), [&](const Node::Edge& edge) { return inside.count(edge.first.get()) == 0; }) ||
          std::any_of(mOutputs.begin(), mOutputs.end(),
                      [&](const GraphOutput& output) { return output.node == node && output.index == i; });
      if (!leaves) continue;
      requireSame(border.exit, {node, i}, "gives");
      border.exit = Node::Edge{node, i};
    }
  }
  if (!border.source || !border.exit) throwExpected(kWhere, "a region that takes one tensor and gives one", "one without");
  return border;
}

void GraphView::replace(std::span<const NodePtr> region, std::span<const NodePtr> chain) {
  if (chain.empty()) throwExpected(kWhere, "a new node", "none");
  for (const NodePtr& node : chain) {
    if (!node || contains(node)) throwExpected(kWhere, "new nodes that are not in the graph", node ? node->describe() : "none");
  }
  const std::vector<NodePtr> old(region.begin(), region.end());
  const RegionBorder border = borderOf(old);
  transaction([&] {
    const std::vector<Node::Edge> consumers = border.exit->first->output(border.exit->second);
    if (border.graphInput) {
      auto& targets = mInputs[*border.graphInput].targets;
      std::erase_if(targets,
                    [&](const Node::Edge& t) { return std::find(border.heads.begin(), border.heads.end(), t) != border.heads.end(); });
      targets.emplace_back(chain.front(), 0);
    }
    for (GraphOutput& output : mOutputs) {
      if (output.node == border.exit->first && output.index == border.exit->second) output = {output.name, chain.back(), 0};
    }
    std::size_t at = mNodes.size();
    std::vector<NodePtr> parameters;
    for (const NodePtr& node : old) {
      at = std::min(at, mIndex.at(node.get()));
      for (IOIndex_t i = 0; i < node->nbInputs(); ++i) {
        const NodePtr parent = node->getParent(i);
        if (parent && parent->getOperator()->isProducer()) parameters.push_back(parent);
        node->resetInput(i);
      }
    }
    const auto erase = [&](const NodePtr& node) {
      if (mIndex.at(node.get()) < at) --at;
      eraseNode(node);
    };
    for (const Node::Edge& edge : consumers) {
      if (std::find(old.begin(), old.end(), edge.first) == old.end()) edge.first->setInput(edge.second, chain.back(), 0);
    }
    for (const NodePtr& node : old) erase(node);
    for (const NodePtr& producer : parameters) {
      const bool isExit = std::any_of(mOutputs.begin(), mOutputs.end(), [&](const GraphOutput& out) { return out.node == producer; });
      if (contains(producer) && producer->getChildren().empty() && !isExit) erase(producer);
    }
    if (border.source->first) chain.front()->setInput(0, border.source->first, border.source->second);
    const std::size_t before = mNodes.size();
    for (const NodePtr& node : chain) {
      for (const Node::Edge& edge : node->inputs()) {
        if (edge.first && edge.first->getOperator()->isProducer()) insertNode(edge.first);
      }
      insertNode(node);
    }
    std::rotate(mNodes.begin() + static_cast<std::ptrdiff_t>(at), mNodes.begin() + static_cast<std::ptrdiff_t>(before), mNodes.end());
    for (std::size_t i = at; i < mNodes.size(); ++i) mIndex[mNodes[i].get()] = i;
  });
}

}  // namespace Aidge
