// Graphs made of graphs keep what those were declared with.
#include "aidge/graph/GraphView.hpp"
#include "aidge/graph/MakeNode.hpp"
#include "catch.hpp"

using namespace Aidge;

namespace {

NodePtr relu(const std::string& name) { return makeNode("ReLU", {}, name); }

/// x goes to two nodes, whose sum is the only output, "y".
struct Block {
  NodePtr left = relu("left");
  NodePtr right = relu("right");
  NodePtr sum = makeNode("Add", {}, "sum");
  GraphViewPtr graph = GraphView::create("block");

  Block() {
    left->addChild(sum);
    right->addChild(sum);
    graph->add(std::vector<NodePtr>{left, right, sum});
    graph->setInputs({{"x", {kDynamicDim, 4}, true, DataType::Float64, {{left, 0}, {right, 0}}}});
    graph->setOutputs({{"y", sum, 0}});
  }
};

using Parts = std::vector<GraphView::Part>;

void checkInput(const GraphInput& input, const Block& block) {
  CHECK(input.name == "x");
  CHECK(input.hasDims);
  CHECK(input.dims == Dims{kDynamicDim, 4});
  CHECK(input.dtype == DataType::Float64);
  CHECK(input.targets == std::vector<TensorRef>{{block.left, 0}, {block.right, 0}});
}

}  // namespace

TEST_CASE("A chain that begins with a graph has the graph's input: name, dims, type and all that it feeds", "[GraphView][builders]") {
  const Block block;
  const auto graph = sequential(Parts{block.graph, relu("after")});
  REQUIRE(graph->inputs().size() == 1);
  checkInput(graph->inputs()[0], block);
  REQUIRE(graph->outputs().size() == 1);
  CHECK(graph->outputs()[0].node->name() == "after");
}

TEST_CASE("A chain that ends with a graph has the graph's outputs, and the graph's input takes the chain", "[GraphView][builders]") {
  const Block block;
  const auto graph = sequential(Parts{relu("before"), block.graph});
  CHECK(block.left->getParent(0)->name() == "before");
  CHECK(block.right->getParent(0)->name() == "before");
  REQUIRE(graph->inputs().size() == 1);
  CHECK(graph->inputs()[0].name == "input");
  REQUIRE(graph->outputs().size() == 1);
  CHECK(graph->outputs()[0].name == "y");
  graph->addChild(relu("more"));
  CHECK(graph->outputs()[0].name == "y");
  CHECK(graph->outputs()[0].node->name() == "more");
}

TEST_CASE("Graphs side by side keep their inputs and outputs in order, under names of their own", "[GraphView][builders]") {
  const Block one;
  Block two;
  for (const NodePtr& node : {two.left, two.right, two.sum}) node->setName(node->name() + "2");
  const auto graph = parallel(Parts{one.graph, relu("between"), two.graph});
  REQUIRE(graph->inputs().size() == 3);
  checkInput(graph->inputs()[0], one);
  CHECK(graph->inputs()[1].name == "input");
  CHECK(graph->inputs()[2].name == "x_1");
  CHECK(graph->inputs()[2].targets == std::vector<TensorRef>{{two.left, 0}, {two.right, 0}});
  REQUIRE(graph->outputs().size() == 3);
  CHECK(graph->outputs()[0].name == "y");
  CHECK(graph->outputs()[1].node->name() == "between");
  CHECK(graph->outputs()[2].name == "y_1");
}

TEST_CASE("A graph that is added brings its inputs and outputs, after those that are there", "[GraphView][builders]") {
  const Block block;
  const auto graph = GraphView::create();
  graph->add(relu("own"));
  graph->add(*block.graph);
  REQUIRE(graph->inputs().size() == 2);
  CHECK(graph->inputs()[0].targets.front().node->name() == "own");
  checkInput(graph->inputs()[1], block);
  REQUIRE(graph->outputs().size() == 2);
  CHECK(graph->outputs()[0].node->name() == "own");
  CHECK(graph->outputs()[1].name == "y");
}

TEST_CASE("Of an added graph only what nothing feeds stays an input, and what nothing takes an output", "[GraphView][builders]") {
  const Block block;
  const NodePtr source = relu("source");
  const NodePtr sink = relu("sink");
  source->addChild(block.left);
  block.sum->addChild(sink);
  const auto graph = GraphView::create();
  graph->add(std::vector<NodePtr>{source, sink});
  graph->add(*block.graph);
  REQUIRE(graph->inputs().size() == 2);
  CHECK(graph->inputs()[1].name == "x");
  CHECK(graph->inputs()[1].targets == std::vector<TensorRef>{{block.right, 0}});
  REQUIRE(graph->outputs().size() == 1);
  CHECK(graph->outputs()[0].node == sink);
}

TEST_CASE("An output that is declared inside of a graph stays one when the graph is added", "[GraphView][builders]") {
  const Block block;
  block.graph->setOutputs({{"y", block.sum, 0}, {"half", block.left, 0}});
  const auto graph = GraphView::create();
  graph->add(*block.graph);
  REQUIRE(graph->outputs().size() == 2);
  CHECK(graph->outputs()[1].name == "half");
  CHECK(graph->outputs()[1].node == block.left);
}

TEST_CASE("A chain whose parts do not fit leaves their edges as they were", "[GraphView][builders]") {
  const NodePtr first = relu("first");
  const NodePtr second = relu("second");
  CHECK_THROWS_AS(sequential(Parts{first, second, Producer(Tensor::full({1}, 0.0), "p")}), std::invalid_argument);
  CHECK(second->getParent(0) == nullptr);
  CHECK(first->getChildren().empty());
}
