#include <map>
#include <string>
#include <vector>

#include "aidge/core/Errors.hpp"
#include "aidge/graph/GraphView.hpp"
#include "aidge/nodes/Activation.hpp"
#include "aidge/nodes/Concat.hpp"
#include "aidge/nodes/Convolution.hpp"
#include "aidge/nodes/Elementwise.hpp"
#include "aidge/nodes/FullyConnected.hpp"
#include "aidge/nodes/ShapeOps.hpp"
#include "aidge/recipes/ChannelGroups.hpp"
#include "aidge/recipes/RemoveChannels.hpp"
#include "catch.hpp"

using namespace Aidge;

namespace {

using Ints = std::vector<std::int64_t>;
const std::vector<Dims> kDims{{1, 2, 2, 2}};

void fill(const NodePtr& layer) {
  const auto& op = layer->getParent(1)->getOperator();
  std::vector<float> values;
  for (std::size_t i = 0; i < op->getOutput(0)->size(); ++i) values.push_back(static_cast<float>(i));
  op->setOutput(0, Tensor::fromValues<float>(op->getOutput(0)->dims(), std::span<const float>(values)));
}

std::vector<float> weightOf(const NodePtr& layer) {
  const auto values = layer->getParent(1)->getOperator()->getOutput(0)->data<float>();
  return {values.begin(), values.end()};
}

/// A 1x1 convolution to three channels, ReLU, Flatten, FC.
struct SmallNet {
  NodePtr conv = Conv<2>(2, 3, {1, 1}, "conv");
  NodePtr relu = ReLU("relu");
  NodePtr fc = FC(12, 2, false, "fc");
  GraphViewPtr graph = sequential(std::vector<std::variant<NodePtr, GraphViewPtr>>{conv, relu, Flatten(1, "flatten"), fc});

  SmallNet() {
    fill(conv);
    fill(fc);
  }
};

}  // namespace

TEST_CASE("Channels are followed through Flatten to all features that they become", "[recipes][channels]") {
  const SmallNet net;
  const auto groups = channelGroups(net.graph, kDims);
  REQUIRE(groups.size() == 2);
  CHECK(groups[0].size == 3);
  CHECK(groups[0].canBeCut());
  CHECK(groups[0].sources[0].channels == Ints{0, 1, 2});
  REQUIRE(groups[0].uses.size() == 1);
  CHECK(groups[0].uses[0].node == net.fc);
  CHECK(groups[0].uses[0].channels == Ints{0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2});
  CHECK(groups[0].crossed.size() == 2);
  CHECK_FALSE(groups[1].canBeCut());
  CHECK(groups[1].refusal.find("is the graph output") == 0);
}

TEST_CASE("A removed channel takes its filter, its bias and its features, and nothing else", "[recipes][channels]") {
  const SmallNet net;
  const auto report = removeChannels(net.graph, {{net.conv, {1}}}, {1, kDims});
  CHECK(weightOf(net.conv) == std::vector<float>{0, 1, 4, 5});
  CHECK(net.conv->getParent(2)->getOperator()->getOutput(0)->dims() == Dims{2});
  CHECK(weightOf(net.fc) == std::vector<float>{0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 20, 21, 22, 23});
  REQUIRE(report.removed.size() == 1);
  CHECK(report.removed[0][0].channels == Ints{1});
  CHECK(report.macsBefore == 4 * 6 + 24);
  CHECK(report.macsAfter == 4 * 4 + 16);
  CHECK(report.parametersBefore == 6 + 3 + 24 + 2);
  CHECK(report.parametersAfter == 4 + 2 + 16 + 2);
}

TEST_CASE("A sum of two layers is one group", "[recipes][channels]") {
  const auto a = Conv<2>(2, 4, {1, 1}, "a");
  const auto b = Conv<2>(4, 4, {1, 1}, "b");
  const auto tail = Conv<2>(4, 2, {1, 1}, "tail");
  const auto block = residual(std::vector<std::variant<NodePtr, GraphViewPtr>>{ReLU("r"), b, Add("sum")});
  const auto graph = sequential(std::vector<std::variant<NodePtr, GraphViewPtr>>{a, block, tail});
  const auto groups = channelGroups(graph, kDims);
  REQUIRE(groups.size() == 2);
  CHECK(groups[0].sources.size() == 2);
  const auto report = removeChannels(graph, {{b, {3}}, {a, {0}}}, {1, kDims});
  CHECK(a->getParent(1)->getOperator()->getOutput(0)->dims() == Dims{2, 2, 1, 1});
  CHECK(b->getParent(1)->getOperator()->getOutput(0)->dims() == Dims{2, 2, 1, 1});
  CHECK(tail->getParent(1)->getOperator()->getOutput(0)->dims() == Dims{2, 2, 1, 1});
  CHECK(report.refused.empty());
}

TEST_CASE("An operator that is not known fixes its channels and leaves the others", "[recipes][channels]") {
  const auto a = Conv<2>(2, 4, {1, 1}, "a");
  const auto odd = GenericOperator("Odd", 1, 1, "odd", {{"output_dims", Ints{4, 1, 4, 2, 2}}});
  const auto b = Conv<2>(4, 3, {1, 1}, "b");
  const auto graph = sequential(std::vector<std::variant<NodePtr, GraphViewPtr>>{a, odd, b, Conv<2>(3, 2, {1, 1}, "c")});
  const auto report = removeChannels(graph, {{a, {0}}, {b, {0}}}, {1, kDims});
  REQUIRE(report.removed.size() == 1);
  CHECK(report.removed[0][0].node == "b");
  REQUIRE(report.refused.size() == 1);
  CHECK(report.refused[0].nodes == std::vector<std::string>{"a"});
  CHECK(report.refused[0].reason.find("odd") != std::string::npos);
}

TEST_CASE("Layers before an operator whose dims are not known can still be cut", "[recipes][channels]") {
  const auto a = Conv<2>(2, 4, {1, 1}, "a");
  const auto b = Conv<2>(4, 3, {1, 1}, "b");
  const auto graph = sequential(std::vector<std::variant<NodePtr, GraphViewPtr>>{a, b, GenericOperator("Odd", 1, 1, "odd"), ReLU("r")});
  const auto report = removeChannels(graph, {{a, {1}}, {b, {0}}}, {1, kDims});
  REQUIRE(report.removed.size() == 1);
  CHECK(report.removed[0][0].node == "a");
  CHECK(b->getParent(1)->getOperator()->getOutput(0)->dims() == Dims{3, 3, 1, 1});
}

TEST_CASE("Removal does nothing to a graph that a wrong request names", "[recipes][channels]") {
  const SmallNet net;
  const auto version = net.graph->version();
  CHECK_THROWS_AS(removeChannels(net.graph, {{net.conv, {3}}}, {1, kDims}), std::invalid_argument);
  CHECK_THROWS_AS(removeChannels(net.graph, {{nullptr, {0}}}, {1, kDims}), std::invalid_argument);
  CHECK_THROWS_AS(removeChannels(net.graph, {{net.conv, {0}}}, {0, kDims}), std::invalid_argument);
  CHECK_THROWS_AS(removeChannels(net.graph, {{net.conv, {0}}}), std::invalid_argument);
  CHECK_THROWS_AS(removeChannels(nullptr, {}), std::invalid_argument);
  CHECK_THROWS_AS(channelGroups(nullptr), std::invalid_argument);
  CHECK(net.graph->version() == version);
}

namespace {

/// One 1x1 convolution for two levels, which another one made of the same input, and a reader behind each use.
struct Levels {
  NodePtr a = Conv<2>(2, 3, {1, 1}, "a");
  NodePtr b = Conv<2>(2, 3, {1, 1}, "b");
  NodePtr head0 = Conv<2>(3, 4, {1, 1}, "head0");
  NodePtr head1 = makeNode("Conv2D", {{"kernel_dims", Ints{1, 1}}}, "head1");
  NodePtr out0 = Conv<2>(4, 2, {1, 1}, "out0");
  NodePtr out1 = Conv<2>(4, 2, {1, 1}, "out1");
  GraphViewPtr graph;

  Levels() {
    for (const NodePtr& node : {a, b, head0, out0, out1}) fill(node);
    for (const IOIndex_t input : {1U, 2U}) head1->setInput(input, head0->getParent(input));
    const NodePtr both = Concat(2, 1, "both");
    a->addChild(head0);
    b->addChild(head1);
    head0->addChild(out0);
    head1->addChild(out1);
    out0->addChild(both, 0, 0);
    out1->addChild(both, 0, 1);
    graph = GraphView::create();
    graph->add(std::vector<NodePtr>{a, b, head0, head1, out0, out1, both});
  }
};

}  // namespace

TEST_CASE("Layers that share a weight are cut alike, and it stays one", "[recipes][channels]") {
  const Levels net;
  const std::vector<Dims> dims(net.graph->inputs().size(), kDims[0]);
  const auto groups = channelGroups(net.graph, dims);
  REQUIRE(groups.size() == 4);  // inputs of the heads, their outputs, and two that end outside
  CHECK(groups[0].size == 3);
  CHECK(groups[0].sources.size() == 2);
  CHECK(groups[0].uses.size() == 2);
  const auto report = removeChannels(net.graph, {{net.a, {1}}, {net.head1, {0, 3}}}, {1, dims});
  CHECK(report.refused.empty());
  CHECK(net.head0->getParent(1) == net.head1->getParent(1));
  CHECK(net.head0->getParent(2) == net.head1->getParent(2));
  CHECK(weightOf(net.head0) == std::vector<float>{3, 5, 6, 8});
  CHECK(net.b->getParent(1)->getOperator()->getOutput(0)->dims() == Dims{2, 2, 1, 1});
  CHECK(report.parametersAfter == 2 * (4 + 2) + (4 + 2) + 2 * (4 + 2));
}

TEST_CASE("A weight that someone needs whole keeps the channels of all who share it", "[recipes][channels]") {
  const Levels net;
  auto outputs = net.graph->outputs();
  outputs.push_back({"weight", net.head0->getParent(1), 0});
  net.graph->setOutputs(outputs);
  const std::vector<Dims> dims(net.graph->inputs().size(), kDims[0]);
  for (const auto& group : channelGroups(net.graph, dims)) {
    CHECK_FALSE(group.canBeCut());
    if (group.refusal.find("is the graph output") == std::string::npos)
      CHECK(group.refusal == "shares \"head0_w\" with the graph output \"weight\", which needs all of it");
  }
}

TEST_CASE("A list of equal numbers ties nothing", "[recipes][channels]") {
  const NodePtr a = Conv<2>(2, 3, {1, 1}, "a");
  const NodePtr b = Conv<2>(3, 3, {1, 1}, "b");
  const NodePtr c = Conv<2>(3, 2, {1, 1}, "c");
  for (const NodePtr& node : {a, b, c}) fill(node);
  a->getParent(2)->getOperator()->setOutput(0, Tensor::full({3}, 0.5));
  const auto graph = sequential(std::vector<std::variant<NodePtr, GraphViewPtr>>{a, b, c});
  b->setInput(2, a->getParent(2));
  CHECK(channelGroups(graph, kDims).size() == 3);
  SECTION("layers that keep as many go on sharing it") {
    removeChannels(graph, {{a, {0}}, {b, {2}}}, {1, kDims});
    CHECK(a->getParent(2) == b->getParent(2));
    CHECK(a->getParent(2)->getOperator()->getOutput(0)->dims() == Dims{2});
  }
  SECTION("layers that keep other numbers have one each") {
    removeChannels(graph, {{a, {0, 1}}}, {1, kDims});
    CHECK(a->getParent(2)->getOperator()->getOutput(0)->dims() == Dims{1});
    CHECK(b->getParent(2)->getOperator()->getOutput(0)->dims() == Dims{3});
  }
}
