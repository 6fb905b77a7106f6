#include <span>
#include <stdexcept>
#include <vector>

#include "aidge/graph/GraphView.hpp"
#include "aidge/graph/MakeNode.hpp"
#include "catch.hpp"

using namespace Aidge;
using Catch::Matchers::ContainsSubstring;
using Nodes = std::vector<NodePtr>;

namespace {

void replace(const GraphViewPtr& graph, const Nodes& region, const Nodes& chain) {
  graph->replace(std::span<const NodePtr>(region), std::span<const NodePtr>(chain));
}

NodePtr relu(const std::string& name) { return makeNode("ReLU", {}, name); }

/// x -> in -> (left, right) -> sum -> out
struct Diamond {
  NodePtr in = relu("in");
  NodePtr left = relu("left");
  NodePtr right = relu("right");
  NodePtr sum = makeNode("Add", {}, "sum");
  NodePtr out = relu("out");
  GraphViewPtr graph = GraphView::create();

  Diamond() {
    in->addChild(left);
    in->addChild(right);
    left->addChild(sum);
    right->addChild(sum);
    sum->addChild(out);
    graph->add(Nodes{in, left, right, sum, out});
  }
};

}  // namespace

TEST_CASE("A region of several nodes makes way for a chain", "[graph][GraphReplace]") {
  Diamond d;
  const NodePtr a = relu("a");
  const NodePtr b = relu("b");
  a->addChild(b);
  replace(d.graph, {d.left, d.right, d.sum}, {a, b});
  REQUIRE(a->getParent(0) == d.in);
  REQUIRE(d.out->getParent(0) == b);
  REQUIRE(d.in->getChildren() == Nodes{a});
  REQUIRE(d.graph->orderedNodes() == Nodes{d.in, a, b, d.out});
  REQUIRE(d.graph->inputs().size() == 1);
  REQUIRE(d.graph->outputs().size() == 1);
}

TEST_CASE("A region at both ends of the graph passes its input and output on", "[graph][GraphReplace]") {
  Diamond d;
  d.graph->setInputs({{"image", {1, 3}, true, DataType::Float32, {{d.in, 0}}}});
  d.graph->setOutputs({{"scores", d.out, 0}});
  const NodePtr only = relu("only");
  replace(d.graph, {d.in, d.left, d.right, d.sum, d.out}, {only});
  REQUIRE(d.graph->nodes() == Nodes{only});
  REQUIRE(d.graph->inputs().front().name == "image");
  REQUIRE(d.graph->inputs().front().targets == std::vector<TensorRef>{{only, 0}});
  REQUIRE(d.graph->outputs().front().name == "scores");
  REQUIRE(d.graph->outputs().front().node == only);
}

TEST_CASE("Producers go with a region unless others use them", "[graph][GraphReplace]") {
  const NodePtr shared = Producer(Tensor::full({1}, 2.0), "shared");
  const NodePtr own = Producer(Tensor::full({1}, 2.0), "own");
  const NodePtr a = makeNode("Mul", {}, "a");
  const NodePtr b = makeNode("Mul", {}, "b");
  const NodePtr c = makeNode("Mul", {}, "c");
  a->setInput(1, shared);
  b->setInput(0, a);
  b->setInput(1, own);
  c->setInput(0, b);
  c->setInput(1, shared);
  const auto graph = GraphView::create();
  graph->add(Nodes{a, b, c});
  const NodePtr merged = makeNode("Mul", {}, "b");
  merged->setInput(1, Producer(Tensor::full({1}, 4.0), "own"));
  replace(graph, {a, b}, {merged});
  REQUIRE(graph->size() == 4);
  REQUIRE(graph->contains(shared));
  REQUIRE_FALSE(graph->contains(own));
  REQUIRE(graph->getNode("own") == merged->getParent(1));
}

TEST_CASE("A region that takes or gives several tensors, or none, is an error and changes nothing", "[graph][GraphReplace]") {
  Diamond d;
  const auto before = d.graph->orderedNodes();
  REQUIRE_THROWS_WITH(replace(d.graph, {d.sum, d.out}, {relu("n")}), ContainsSubstring("takes one tensor"));
  REQUIRE_THROWS_WITH(replace(d.graph, {d.left, d.right}, {relu("n")}), ContainsSubstring("gives one tensor"));
  REQUIRE_THROWS_AS(replace(d.graph, {}, {relu("n")}), std::invalid_argument);
  REQUIRE_THROWS_AS(replace(d.graph, {d.in}, {}), std::invalid_argument);
  REQUIRE_THROWS_AS(replace(d.graph, {relu("stranger")}, {relu("n")}), std::invalid_argument);
  REQUIRE_THROWS_AS(replace(d.graph, {d.in}, {d.out}), std::invalid_argument);
  // A name that is taken is noticed late, and everything is put back.
  REQUIRE_THROWS_AS(replace(d.graph, {d.left, d.right, d.sum}, {relu("out")}), std::invalid_argument);
  REQUIRE(d.graph->orderedNodes() == before);
  REQUIRE(d.out->getParent(0) == d.sum);
}
