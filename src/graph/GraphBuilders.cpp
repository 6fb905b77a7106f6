#include <algorithm>

#include "aidge/core/Errors.hpp"
#include "aidge/graph/GraphView.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge {

namespace {

using Part = std::variant<NodePtr, GraphViewPtr>;

std::vector<Node::Edge> freeDataInputs(const Part& part) {
  std::vector<Node::Edge> edges;
  if (const auto* graph = std::get_if<GraphViewPtr>(&part)) return (*graph)->orderedInputs();
  const NodePtr& node = std::get<NodePtr>(part);
  for (IOIndex_t i = 0; i < node->nbInputs(); ++i) {
    if (!node->getParent(i) && node->inputCategory(i) == InputCategory::Data) edges.emplace_back(node, i);
  }
  return edges;
}

std::vector<Node::Edge> exits(const Part& part) {
  if (const auto* graph = std::get_if<GraphViewPtr>(&part)) return (*graph)->orderedOutputs();
  return {{std::get<NodePtr>(part), 0}};
}

void connect(const Part& from, const Part& to) {
  const auto sources = exits(from);
  const auto targets = freeDataInputs(to);
  if (targets.empty() || sources.empty() || sources.size() > targets.size()) {
    throwExpected("graph::sequential", "as many free data inputs as the part before has outputs (" + std::to_string(sources.size()) + ")",
                  std::to_string(targets.size()));
  }
  for (std::size_t i = 0; i < sources.size(); ++i) {
    std::vector<Node::Edge> joined{targets[i]};
    if (const auto* graph = std::get_if<GraphViewPtr>(&to)) joined = (*graph)->inputs()[i].targets;
    for (const auto& [node, index] : joined) node->setInput(index, sources[i].first, sources[i].second);
  }
}

void include(GraphView& graph, const Part& part) {
  if (const auto* inner = std::get_if<GraphViewPtr>(&part)) {
    graph.add(**inner);
  } else {
    graph.add(std::get<NodePtr>(part));
  }
}

void checkParts(std::span<const Part> parts, std::string_view where) {
  if (parts.empty()) throwExpected(where, "at least one part", "none");
  for (const Part& part : parts) {
    if (std::visit([](const auto& pointer) { return pointer == nullptr; }, part)) throwExpected(where, "nodes and graphs", "none");
  }
}

}  // namespace

GraphViewPtr sequential(std::span<const Part> parts, std::string name) {
  checkParts(parts, "graph::sequential");
  auto graph = std::make_shared<GraphView>(std::move(name));
  for (std::size_t i = 1; i < parts.size(); ++i) connect(parts[i - 1], parts[i]);
  graph->transaction([&] {
    for (const Part& part : parts) include(*graph, part);
  });
  return graph;
}

GraphViewPtr parallel(std::span<const Part> parts, std::string name) {
  checkParts(parts, "graph::parallel");
  auto graph = std::make_shared<GraphView>(std::move(name));
  graph->transaction([&] {
    for (const Part& part : parts) include(*graph, part);
  });
  return graph;
}

GraphViewPtr residual(std::span<const Part> parts, std::string name) {
  checkParts(parts, "graph::residual");
  const auto first = exits(parts.front());
  auto graph = sequential(parts, std::move(name));
  const auto outputs = graph->orderedOutputs();
  if (outputs.size() != 1 || first.size() != 1)
    throwExpected("graph::residual", "one output of the first part and of the whole chain", std::to_string(outputs.size()));
  first[0].first->addChild(outputs[0].first, first[0].second);
  return graph;
}

GraphViewPtr getConnectedGraphView(const NodePtr& node) {
  if (!node) throwExpected("graph::getConnectedGraphView", "a node", "none");
  std::vector<NodePtr> found;
  std::unordered_map<const Node*, bool> seen;
  std::vector<NodePtr> stack{node};
  while (!stack.empty()) {
    const NodePtr current = std::move(stack.back());
    stack.pop_back();
    if (!seen.emplace(current.get(), true).second) continue;
    found.push_back(current);
    for (const Node::Edge& edge : current->inputs()) {
      if (edge.first) stack.push_back(edge.first);
    }
    for (NodePtr& child : current->getChildren()) stack.push_back(std::move(child));
  }
  std::sort(found.begin(), found.end(), [](const NodePtr& a, const NodePtr& b) { return a->id() < b->id(); });
  auto graph = std::make_shared<GraphView>();
  graph->add(std::span<const NodePtr>(found), false);
  return graph;
}

}  // namespace Aidge
