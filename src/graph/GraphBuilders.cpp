#include <algorithm>

#include "aidge/core/Errors.hpp"
#include "aidge/graph/GraphView.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge {

namespace {

using Part = GraphView::Part;

std::vector<TensorRef> freeDataInputs(const Part& part) {
  std::vector<TensorRef> edges;
  if (const auto* graph = std::get_if<GraphViewPtr>(&part)) return (*graph)->orderedInputs();
  const NodePtr& node = std::get<NodePtr>(part);
  for (IOIndex_t i = 0; i < node->nbInputs(); ++i) {
    if (!node->getParent(i) && node->inputCategory(i) == InputCategory::Data) edges.push_back({node, i});
  }
  return edges;
}

std::vector<TensorRef> exits(const Part& part) {
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
    std::vector<TensorRef> joined{targets[i]};
    if (const auto* graph = std::get_if<GraphViewPtr>(&to)) joined = (*graph)->inputs()[i].targets;
    for (const auto& [node, index] : joined) node->setInput(index, sources[i].node, sources[i].index);
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
  auto graph = GraphView::create(std::move(name));
  graph->transaction([&] {
    for (std::size_t i = 1; i < parts.size(); ++i) connect(parts[i - 1], parts[i]);
    graph->add(parts);
  });
  return graph;
}

GraphViewPtr parallel(std::span<const Part> parts, std::string name) {
  checkParts(parts, "graph::parallel");
  auto graph = GraphView::create(std::move(name));
  graph->add(parts);
  return graph;
}

GraphViewPtr residual(std::span<const Part> parts, std::string name) {
  checkParts(parts, "graph::residual");
  const auto first = exits(parts.front());
  auto graph = sequential(parts, std::move(name));
  const auto outputs = graph->orderedOutputs();
  if (outputs.size() != 1 || first.size() != 1)
    throwExpected("graph::residual", "one output of the first part and of the whole chain", std::to_string(outputs.size()));
  first[0].node->addChild(outputs[0].node, first[0].index);
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
    for (const TensorRef& edge : current->inputs()) {
      if (edge.node) stack.push_back(edge.node);
    }
    for (NodePtr& child : current->getChildren()) stack.push_back(std::move(child));
  }
  std::sort(found.begin(), found.end(), [](const NodePtr& a, const NodePtr& b) { return a->id() < b->id(); });
  auto graph = GraphView::create();
  graph->add(std::span<const NodePtr>(found), false);
  return graph;
}

}  // namespace Aidge
