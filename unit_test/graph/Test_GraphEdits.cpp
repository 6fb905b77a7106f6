// Edits: what they cost, what a failed one leaves, and which edges would make cycles.
#include <algorithm>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>

#include "aidge/graph/GraphView.hpp"
#include "aidge/graph/MakeNode.hpp"
#include "catch.hpp"

using namespace Aidge;
using Catch::Matchers::ContainsSubstring;

namespace {

NodePtr relu(const std::string& name = "") { return makeNode("ReLU", {}, name); }

std::vector<NodePtr> pairOfNodes() {
  const NodePtr first = relu();
  const NodePtr second = makeNode("LeakyReLU");
  first->addChild(second);
  return {first, second};
}

/// All that an edit may change, as text.
std::string describe(const GraphView& graph) {
  std::ostringstream text;
  const auto edge = [&](const TensorRef& e) { text << (e.node ? e.node->name() : "-") << ":" << e.index << " "; };
  for (const NodePtr& node : graph.nodes()) {
    text << node->name() << " " << node->type() << " in ";
    for (const TensorRef& e : node->inputs()) edge(e);
    text << "out ";
    for (const auto& consumers : node->outputs()) std::for_each(consumers.begin(), consumers.end(), edge);
    if (node->getOperator()->hasAttribute("negative_slope")) text << node->getOperator()->attribute<double>("negative_slope");
    if (node->getOperator()->isProducer()) text << node->getOperator()->getOutput(0)->toDoubles().at(0);
    text << "\n";
    if (const GraphViewPtr inner = microGraph(*node->getOperator())) text << "{" << describe(*inner) << "}";
  }
  for (const GraphInput& input : graph.inputs()) {
    text << "input " << input.name << " " << toString(input.dims) << " ";
    std::for_each(input.targets.begin(), input.targets.end(), edge);
  }
  for (const GraphOutput& output : graph.outputs()) text << "output " << output.name << " " << output.node->name() << output.index << " ";
  return text.str();
}

/// One random edit of a graph of nodes with one data input. Errors of impossible edits are part of the game.
void editAtRandom(const GraphViewPtr& graph, std::mt19937& random) {
  const auto pick = [&](std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(random); };
  const std::vector<NodePtr> nodes = graph->nodes();
  if (nodes.empty()) return;
  const NodePtr node = nodes[pick(nodes.size())];
  try {
    switch (pick(9)) {
      case 0:
        return graph->addChild(relu(), node);
      case 1:
        return graph->insertAfter(node, 0, makeNode("LeakyReLU"));
      case 2:
        return graph->replace(node, relu());
      case 3:
        return graph->bypass(node);
      case 4:
        return graph->remove(node);
      case 5:
        return node->setInput(0, nodes[pick(nodes.size())]);
      case 6:
        return node->resetInput(0);
      case 7:
        return node->setName("name" + std::to_string(pick(5)));
      default:
        return graph->replace(std::vector{node}, pairOfNodes());
    }
  } catch (const std::invalid_argument&) {
  }
}

bool reaches(const NodePtr& from, const NodePtr& to) {
  if (from == to) return true;
  const auto children = from->getChildren();
  return std::any_of(children.begin(), children.end(), [&](const NodePtr& child) { return reaches(child, to); });
}

}  // namespace

TEST_CASE("A graph of 50,000 nodes is built and edited node by node", "[GraphView][edits]") {
  constexpr std::size_t kNodes = 50000;
  const auto graph = GraphView::create();
  graph->add(relu());
  std::vector<NodePtr> chain{graph->nodes().front()};
  while (chain.size() < kNodes) {
    chain.push_back(relu());
    graph->addChild(chain.back());
  }
  CHECK(chain.back()->name() == "ReLU_49999");
  for (std::size_t i = 1; i < 250; ++i) {
    const std::size_t at = i * 190;
    graph->insertAfter(chain[at], 0, makeNode("Tanh"));
    graph->replace(chain[at + 10], makeNode("Sigmoid"));
    graph->bypass(chain[at + 20]);
    graph->replace(std::vector{chain[at + 30]}, pairOfNodes());
  }
  CHECK(graph->size() == kNodes + 249);
  CHECK(graph->inputs().size() == 1);
  CHECK(graph->outputs().size() == 1);
  const auto order = graph->orderedNodes();
  for (std::size_t i = 1; i < order.size(); ++i) REQUIRE(order[i]->getParent(0) == order[i - 1]);
}

TEST_CASE("Many insertions at one place leave the order of the nodes that of the chain", "[GraphView][edits]") {
  const auto graph = GraphView::create();
  graph->add(relu("first"));
  graph->addChild(relu("last"));
  const NodePtr first = graph->getNode("first");
  const NodePtr region = relu("region");
  graph->insertAfter(first, 0, region);
  NodePtr old = region;
  for (int i = 0; i < 200; ++i) {  // more than a double has bits
    graph->insertAfter(first, 0, relu());
    const std::vector<NodePtr> next = pairOfNodes();
    graph->replace(std::vector{old}, next);
    old = next.back();
  }
  const auto order = graph->orderedNodes();
  CHECK(order.front() == first);
  CHECK(order.back()->name() == "last");
  for (std::size_t i = 1; i < order.size(); ++i) REQUIRE(order[i]->getParent(0) == order[i - 1]);
}

TEST_CASE("A name of a kind is the lowest number that is free", "[GraphView][edits]") {
  const auto graph = GraphView::create();
  for (int i = 0; i < 4; ++i) graph->add(relu());
  CHECK(graph->getNode("ReLU_3") != nullptr);
  CHECK(graph->uniqueName("ReLU") == "ReLU_4");
  graph->remove(graph->getNode("ReLU_1"));
  CHECK(graph->uniqueName("ReLU") == "ReLU_1");
  graph->getNode("ReLU_3")->setName("ReLU_1");
  CHECK(graph->uniqueName("ReLU") == "ReLU_3");
  graph->add(relu("other_2"));
  CHECK(graph->uniqueName("other") == "other");
  graph->add(relu("other"));
  CHECK(graph->uniqueName("other") == "other_1");
  graph->remove(graph->getNode("ReLU"));
  CHECK(graph->uniqueName("ReLU") == "ReLU");
  CHECK(graph->findNode("ReLU") == nullptr);
}

TEST_CASE("Whatever a transaction did is undone if it fails", "[GraphView][edits]") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto inner = GraphView::create("inner");
    inner->add(relu("inside"));
    const auto graph = GraphView::create();
    graph->add(relu("start"));
    graph->addChild(MetaOperator("Meta", inner, "meta"));
    graph->addChild(makeNode("LeakyReLU", {}, "leaky"));
    const NodePtr scale = makeNode("Mul", {}, "scale");
    const NodePtr value = Producer(Tensor::full({1}, 2.0), "value");
    value->addChild(scale, 0, 1);
    graph->addChild(scale);
    for (int i = 0; i < 5; ++i) editAtRandom(graph, random);
    const std::string before = describe(*graph);
    const std::uint64_t version = graph->version();
    CHECK_THROWS_WITH(graph->transaction([&] {
      for (int i = 0; i < 12; ++i) editAtRandom(graph, random);
      value->getOperator()->setOutput(0, Tensor::full({1}, 3.0));
      for (const NodePtr& node : graph->nodes()) {
        if (node->type() == "LeakyReLU") node->getOperator()->setAttribute("negative_slope", 0.7);
      }
      inner->replace(inner->nodes().front(), relu("replaced"));
      inner->addChild(relu("more"));
      throw std::runtime_error("enough");
    }),
                      "enough");
    CHECK(describe(*graph) == before);
    CHECK(graph->version() > version);
    // It is a graph like any other afterwards.
    for (int i = 0; i < 20; ++i) editAtRandom(graph, random);
    CHECK(graph->orderedNodes().size() == graph->size());
    std::set<std::string> names;
    for (const NodePtr& node : graph->nodes()) CHECK((names.insert(node->name()).second && graph->findNode(node->name()) == node));
  }
}

TEST_CASE("A transaction that fails inside another one undoes its own part only", "[GraphView][edits]") {
  const auto graph = GraphView::create();
  graph->add(relu("a"));
  graph->transaction([&] {
    graph->addChild(relu("b"));
    CHECK_THROWS_AS(graph->transaction([&] {
      graph->addChild(relu("c"), graph->getNode("b"));
      throw std::runtime_error("stop");
    }),
                    std::runtime_error);
    CHECK(graph->findNode("c") == nullptr);
    graph->addChild(relu("d"), graph->getNode("b"));
  });
  CHECK(graph->size() == 3);
  CHECK(graph->outputs().size() == 1);
  CHECK(graph->outputs().front().node->name() == "d");
}

TEST_CASE("An edge is refused if and only if it would make a cycle", "[GraphView][edits]") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    std::vector<NodePtr> nodes;
    for (int i = 0; i < 14; ++i) nodes.push_back(makeNode("Concat", {}, std::to_string(i), 3));
    for (int i = 0; i < 150; ++i) {
      const NodePtr& child = nodes[random() % nodes.size()];
      const NodePtr& parent = nodes[random() % nodes.size()];
      const IOIndex_t index = random() % 3;
      if (random() % 5 == 0) {
        child->resetInput(index);
      } else if (reaches(child, parent)) {
        const NodePtr before = child->getParent(index);
        CHECK_THROWS_WITH(child->setInput(index, parent), ContainsSubstring("cycle"));
        CHECK(child->getParent(index) == before);
      } else {
        CHECK_NOTHROW(child->setInput(index, parent));
      }
    }
  }
}
