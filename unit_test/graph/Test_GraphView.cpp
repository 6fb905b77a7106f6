#include "aidge/core/Errors.hpp"
#include "aidge/graph/GraphView.hpp"
#include "aidge/graph/MakeNode.hpp"
#include "aidge/graph/Observer.hpp"
#include "catch.hpp"

using namespace Aidge;
using Catch::Matchers::ContainsSubstring;

namespace {

NodePtr relu(const std::string& name) { return makeNode("ReLU", {}, name); }

GraphViewPtr chain(const std::vector<NodePtr>& nodes) {
  const std::vector<std::variant<NodePtr, GraphViewPtr>> parts(nodes.begin(), nodes.end());
  return sequential(parts);
}

std::vector<std::string> names(const std::vector<NodePtr>& nodes) {
  std::vector<std::string> result;
  for (const NodePtr& node : nodes) result.push_back(node->name());
  return result;
}

}  // namespace

TEST_CASE("A chain has one input and one output, and its order is the chain's", "[GraphView]") {
  const auto graph = chain({relu("a"), relu("b"), relu("c")});
  REQUIRE(graph->inputs().size() == 1);
  REQUIRE(graph->outputs().size() == 1);
  REQUIRE(graph->outputs()[0].node->name() == "c");
  REQUIRE(names(graph->orderedNodes()) == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("The order is topological whatever the order of arrival", "[GraphView]") {
  const NodePtr a = relu("a");
  const NodePtr b = relu("b");
  const NodePtr c = relu("c");
  a->addChild(b);
  b->addChild(c);
  const auto graph = GraphView::create();
  for (const NodePtr& node : {c, a, b}) graph->add(node);
  REQUIRE(names(graph->orderedNodes()) == std::vector<std::string>{"a", "b", "c"});
  REQUIRE(graph->inputs().size() == 1);
  REQUIRE(graph->outputs().size() == 1);
}

TEST_CASE("Bypassing wires the parent to every consumer, and moves outputs to the parent", "[GraphView]") {
  const NodePtr add = makeNode("Add", {}, "sum");
  const NodePtr a = relu("a");
  const NodePtr b = relu("b");
  a->addChild(b);
  b->addChild(add);
  b->addChild(add);
  const auto graph = GraphView::create();
  graph->add(std::vector<NodePtr>{a, b, add});
  graph->bypass(b);
  REQUIRE(add->getParent(0) == a);
  REQUIRE(add->getParent(1) == a);
  graph->bypass(a);
  REQUIRE(graph->inputs().size() == 1);
  REQUIRE(graph->inputs()[0].targets.size() == 2);
  const auto tail = chain({relu("x"), relu("y")});
  tail->bypass(tail->getNode("y"));
  REQUIRE(tail->outputs()[0].node->name() == "x");
  tail->bypass(tail->getNode("x"));
  REQUIRE(tail->size() == 1);
  REQUIRE(tail->nodes()[0]->type() == "Identity");
  REQUIRE(tail->nodes()[0]->name() == "x");
}

TEST_CASE("Replacing keeps edges, boundary, position and allows the same name", "[GraphView]") {
  const auto graph = chain({relu("a"), relu("b"), relu("c")});
  const NodePtr identity = makeNode("Identity", {}, "b");
  const auto before = graph->version();
  graph->replace(graph->getNode("b"), identity);
  REQUIRE(graph->version() > before);
  REQUIRE(names(graph->nodes()) == std::vector<std::string>{"a", "b", "c"});
  REQUIRE(identity->getParent(0)->name() == "a");
  REQUIRE(identity->getChildren()[0]->name() == "c");
  graph->replace(graph->getNode("a"), makeNode("Identity", {}, "a"));
  REQUIRE(graph->inputs()[0].targets[0].node->type() == "Identity");
  graph->replace(graph->getNode("c"), makeNode("Identity", {}, "c"));
  REQUIRE(graph->outputs()[0].node->type() == "Identity");
}

TEST_CASE("Replacing by a node with fewer inputs drops producers that nobody else uses", "[GraphView]") {
  const NodePtr prelu = makeNode("PReLU", {}, "p");
  Producer(Tensor::full({1}, 0.25), "slope")->addChild(prelu, 0, 1);
  const auto graph = GraphView::create();
  graph->add(prelu);
  REQUIRE(graph->size() == 2);
  graph->replace(prelu, makeNode("Identity", {}, "p"));
  REQUIRE(names(graph->nodes()) == std::vector<std::string>{"p"});
  REQUIRE(graph->inputs().size() == 1);
}

TEST_CASE("A failed edit leaves nodes, edges, boundary and weights as they were", "[GraphView]") {
  const auto graph = chain({relu("a"), relu("b"), relu("c")});
  const NodePtr producer = Producer(Tensor::full({2}, 1.0), "w");
  graph->add(producer);
  const auto inputName = graph->inputs()[0].name;
  REQUIRE_THROWS_AS(graph->transaction([&] {
    graph->bypass(graph->getNode("b"));
    graph->remove(graph->getNode("a"));
    producer->getOperator()->setOutput(0, Tensor::full({3}, 2.0));
    graph->getNode("c")->setName("renamed");
    graph->add(relu("new"));
    throw std::runtime_error("no");
  }),
                    std::runtime_error);
  REQUIRE(names(graph->nodes()) == std::vector<std::string>{"a", "b", "c", "w"});
  REQUIRE(graph->getNode("b")->getParent(0)->name() == "a");
  REQUIRE(graph->getNode("c")->getParent(0)->name() == "b");
  REQUIRE(graph->inputs().size() == 1);
  REQUIRE(graph->inputs()[0].name == inputName);
  REQUIRE(producer->getOperator()->getOutput(0)->dims() == Dims{2});
  REQUIRE_THROWS_AS(graph->add(relu("a")), std::invalid_argument);
  REQUIRE(graph->size() == 4);
}

TEST_CASE("Every kind of edit bumps the version", "[GraphView]") {
  const auto graph = chain({relu("a"), makeNode("LeakyReLU", {}, "b")});
  auto last = graph->version();
  const auto grown = [&] { return graph->version() > std::exchange(last, graph->version()); };
  graph->getNode("b")->getOperator()->setAttribute("negative_slope", 0.3);
  REQUIRE(grown());
  HookHandle handle = graph->getNode("a")->addAfterForward([](Node&) {});
  REQUIRE(grown());
  handle.remove();
  REQUIRE(grown());
  REQUIRE_FALSE(handle.isActive());
  graph->addChild(relu("c"));
  REQUIRE(grown());
  graph->remove(graph->getNode("c"));
  REQUIRE(grown());
  const NodePtr producer = Producer(Tensor::full({2}, 1.0), "w");
  graph->add(producer);
  REQUIRE(grown());
  Tensor(*producer->getOperator()->getOutput(0)).copyFrom(Tensor::full({2}, 4.0));
  REQUIRE(grown());
  producer->getOperator()->setOutput(0, Tensor::full({2}, 5.0));
  REQUIRE(grown());
  REQUIRE_FALSE(grown());
}

TEST_CASE("Cycles, bad indices and foreign nodes are refused in words", "[GraphView]") {
  const auto graph = chain({relu("a"), relu("b")});
  REQUIRE_THROWS_WITH(graph->getNode("a")->setInput(0, graph->getNode("b")), ContainsSubstring("cycle"));
  REQUIRE_THROWS_AS(graph->getNode("a")->setInput(1, graph->getNode("b")), std::invalid_argument);
  REQUIRE_THROWS_AS(graph->remove(relu("z")), std::invalid_argument);
  REQUIRE_THROWS_WITH(graph->getNode("aa"), ContainsSubstring("nearest: \"a\""));
}

TEST_CASE("A clone has the same structure and nothing in common", "[GraphView]") {
  const auto graph = chain({relu("a"), makeNode("LeakyReLU", {}, "b")});
  const auto twin = graph->clone();
  REQUIRE(names(twin->orderedNodes()) == names(graph->orderedNodes()));
  twin->getNode("b")->getOperator()->setAttribute("negative_slope", 0.9);
  REQUIRE(graph->getNode("b")->getOperator()->attribute<double>("negative_slope") != 0.9);
  twin->bypass(twin->getNode("a"));
  REQUIRE(graph->size() == 2);
}

TEST_CASE("Nodes inside meta operators are found at any depth with the graph that holds them", "[GraphView]") {
  const NodePtr deep = relu("deep");
  const NodePtr inner = MetaOperator("Inner", chain({deep}), "inner");
  const NodePtr outer = MetaOperator("Outer", chain({relu("first"), inner}), "outer");
  const auto graph = chain({outer});
  REQUIRE(names(graph->orderedNodesDeep()) == std::vector<std::string>{"outer", "first", "inner", "deep"});
  REQUIRE(graph->ownerOf(deep) == microGraph(*inner->getOperator()));
  graph->forwardDims({{2, 3}});
  REQUIRE(deep->getOperator()->getOutput(0)->dims() == Dims{2, 3});
  const auto version = graph->version();
  microGraph(*inner->getOperator())->replace(deep, makeNode("Identity", {}, "deep"));
  REQUIRE(graph->version() > version);
}

TEST_CASE("A residual adds the first node's output to the last node", "[GraphView]") {
  const NodePtr add = makeNode("Add", {}, "sum");
  const std::vector<std::variant<NodePtr, GraphViewPtr>> parts{relu("a"), relu("b"), add};
  const auto graph = residual(parts);
  REQUIRE(add->getParent(0)->name() == "b");
  REQUIRE(add->getParent(1)->name() == "a");
  REQUIRE(graph->inputs().size() == 1);
}

TEST_CASE("Shape inference lists all generic operators and names the node that does not fit", "[GraphView]") {
  const auto graph = chain({GenericOperator("Foo", 1, 1, "foo"), relu("a")});
  graph->add(GenericOperator("Bar", 1, 1, "bar"));
  REQUIRE_THROWS_WITH(graph->forwardDims({{1}, {1}}), ContainsSubstring("foo") && ContainsSubstring("bar"));
  REQUIRE_THROWS_WITH(graph->forwardDims({{1}}), ContainsSubstring("2 graph inputs"));
}

TEST_CASE("A very deep chain is destroyed without overflowing the stack", "[GraphView]") {
  NodePtr last = relu("0");
  for (int i = 1; i < 200000; ++i) {
    NodePtr next = relu(std::to_string(i));
    last->addChild(next);
    last = next;
  }
  last.reset();
  SUCCEED();
}
