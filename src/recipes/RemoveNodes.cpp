#include "aidge/recipes/RemoveNodes.hpp"

#include <algorithm>
#include <string_view>

#include "aidge/core/Errors.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge {

namespace {

/// A graph input goes in and a graph output comes out: without the node they would be one thing.
bool joinsInputToOutput(const GraphView& graph, const NodePtr& node) {
  const bool isExit =
      std::any_of(graph.outputs().begin(), graph.outputs().end(), [&](const GraphOutput& output) { return output.node == node; });
  return isExit && !graph.contains(node->getParent(0));
}

std::size_t removeType(const GraphViewPtr& graph, std::string_view type, std::string_view where) {
  if (!graph) throwExpected(where, "a graph", "none");
  std::size_t removed = 0;
  graph->transaction([&] {
    for (const NodePtr& node : graph->orderedNodesDeep()) {
      if (node->type() != type) continue;
      const GraphViewPtr owner = graph->ownerOf(node);
      if (!owner || joinsInputToOutput(*owner, node)) continue;
      owner->bypass(node);
      ++removed;
    }
  });
  return removed;
}

}  // namespace

std::size_t removeIdentity(const GraphViewPtr& graph) { return removeType(graph, "Identity", "recipes::removeIdentity"); }

std::size_t removeDropout(const GraphViewPtr& graph) { return removeType(graph, "Dropout", "recipes::removeDropout"); }

}  // namespace Aidge
