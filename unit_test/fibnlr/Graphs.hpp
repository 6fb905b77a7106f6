// Small graphs that several tests of FIBNLR use.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aidge/fibnlr/Fibnlr.hpp"
#include "aidge/graph/GraphView.hpp"
#include "aidge/graph/MakeNode.hpp"

namespace Aidge::fibnlr::test {

inline NodePtr relu(const std::string& name) { return makeNode("ReLU", {}, name); }

/// A chain of activations, fed by an input "x" of these dims.
inline GraphViewPtr chain(const std::vector<NodePtr>& nodes, Dims dims = {kDynamicDim, 3, 4, 5}) {
  auto graph = GraphView::create();
  for (std::size_t i = 0; i + 1 < nodes.size(); ++i) nodes[i]->addChild(nodes[i + 1]);
  graph->add(std::span<const NodePtr>(nodes));
  graph->setInputs({{"x", std::move(dims), true, DataType::Float32, {{nodes.front(), 0}}}});
  return graph;
}

/// An NPR of about that value.
inline NPR ratio(double value) { return NPR{{value, 1.0}}; }

/// Gives the nodes NPRs and NNPRs of these values, all in group 0 unless told.
inline void store(const std::vector<NodePtr>& nodes, const std::vector<double>& values, const std::vector<std::uint64_t>& groups = {}) {
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    set<NPR>(nodes[i], ratio(values[i]));
    set<NNPR>(nodes[i], NNPR{values[i]});
    set<Group>(nodes[i], Group{groups.empty() ? 0 : groups[i]});
  }
}

template <typename Nodes> std::vector<std::string> names(const Nodes& nodes) {
  std::vector<std::string> result;
  for (const NodePtr& node : nodes) result.push_back(node->name());
  return result;
}

inline bool isObserved(const GraphViewPtr& graph) {
  for (const NodePtr& node : graph->orderedNodesDeep()) {
    if (node->hasObservers() || node->hasHooks()) return true;
  }
  return false;
}

}  // namespace Aidge::fibnlr::test
