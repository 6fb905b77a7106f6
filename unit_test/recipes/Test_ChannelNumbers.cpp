// Channels of tensors whose dims a graph reads: numbers that are computed from Shape and decide targets of Reshape, Expand, Slice.
#include <string>
#include <vector>

#include "aidge/graph/GraphShapes.hpp"
#include "aidge/graph/GraphView.hpp"
#include "aidge/nodes/Activation.hpp"
#include "aidge/nodes/Concat.hpp"
#include "aidge/nodes/Convolution.hpp"
#include "aidge/nodes/Elementwise.hpp"
#include "aidge/nodes/Gather.hpp"
#include "aidge/nodes/ShapeOps.hpp"
#include "aidge/recipes/ChannelGroups.hpp"
#include "aidge/recipes/RemoveChannels.hpp"
#include "aidge/scheduler/Inference.hpp"
#include "catch.hpp"

using namespace Aidge;

namespace {

using Ints = std::vector<std::int64_t>;
const std::vector<Dims> kImage{{2, 2, 4, 6}};

NodePtr ints(const Ints& values, const std::string& name) {
  const Dims dims{static_cast<DimSize_t>(values.size())};
  return Producer(Tensor::fromValues<std::int64_t>(dims, std::span<const std::int64_t>(values)), name, true);
}

/// A convolution to eight channels, a Reshape whose target is computed, and a convolution that reads the result.
struct Reshaped {
  NodePtr conv = Conv<2>(2, 8, {1, 1}, "conv");
  NodePtr shape = Shape(0, 4, "shape");
  NodePtr reshape = makeNode("Reshape", {}, "reshape", 2);
  NodePtr relu = ReLU("relu");
  std::vector<NodePtr> nodes{conv, shape, reshape, relu};

  Reshaped() {
    shape->setInput(0, conv);
    reshape->setInput(0, conv);
    relu->setInput(0, reshape);
  }
  NodePtr add(const NodePtr& node, const std::vector<NodePtr>& inputs) {
    for (IOIndex_t i = 0; i < inputs.size(); ++i) node->setInput(i, inputs[i]);
    nodes.push_back(node);
    return node;
  }
  NodePtr dim(std::int64_t axis) {
    const std::string name = "dim" + std::to_string(axis) + "_" + std::to_string(nodes.size());
    return add(Gather(0, name), {shape, ints({axis}, name + "_index")});
  }
  /// Joins the parts of the target, and appends a convolution of `channels` inputs.
  GraphViewPtr graph(const std::vector<NodePtr>& parts, DimSize_t channels) {
    const NodePtr target = add(Concat(parts.size(), 0, "target"), parts);
    reshape->setInput(1, target);
    const NodePtr last = Conv<2>(channels, 3, {1, 1}, "last");
    last->setInput(0, relu);
    nodes.push_back(last);
    const auto result = GraphView::create();
    result->add(nodes);
    return result;
  }
};

Dims dimsOf(const GraphViewPtr& graph, const NodePtr& node) { return graph->inferShapes(kImage, kernelInference()).at(node.get())[0].dims; }

}  // namespace

TEST_CASE("Numbers that leave out the channels do not hold them", "[recipes][channels]") {
  Reshaped net;
  const auto pixels = net.add(Mul("pixels"), {net.dim(2), net.dim(3)});
  const auto graph = net.graph({net.dim(0), ints({-1, 1}, "rest"), pixels}, 8);
  const auto groups = channelGroups(graph, kImage);
  CHECK(groups[0].canBeCut());
  const auto report = removeChannels(graph, {{net.conv, {1, 4, 5}}}, {1, kImage});
  CHECK(report.refused.empty());
  CHECK(dimsOf(graph, net.reshape) == Dims{2, 5, 1, 24});
}

TEST_CASE("The number of channels itself may be part of a target", "[recipes][channels]") {
  Reshaped net;
  const auto pixels = net.add(Mul("pixels"), {net.dim(2), net.dim(3)});
  const auto graph = net.graph({net.dim(0), net.dim(1), ints({1}, "one"), pixels}, 8);
  const auto report = removeChannels(graph, {{net.conv, {0}}}, {1, kImage});
  CHECK(report.refused.empty());
  CHECK(dimsOf(graph, net.reshape) == Dims{2, 7, 1, 24});
}

TEST_CASE("A constant that counts channels in a computed target is changed", "[recipes][channels]") {
  Reshaped net;
  const auto pixels = net.add(Mul("pixels"), {net.dim(2), net.dim(3)});
  const auto counts = ints({8, 1}, "counts");
  const auto graph = net.graph({net.dim(0), counts, pixels}, 8);
  SECTION("if the target alone reads it") {
    const auto report = removeChannels(graph, {{net.conv, {0, 7}}}, {1, kImage});
    CHECK(report.refused.empty());
    CHECK(counts->getOperator()->getOutput(0)->toInts() == Ints{6, 1});
    CHECK(dimsOf(graph, net.reshape) == Dims{2, 6, 1, 24});
  }
  SECTION("and holds the channels if it is a graph output, too") {
    auto outputs = graph->outputs();
    outputs.push_back({"counts", counts, 0});
    graph->setOutputs(outputs);
    const auto groups = channelGroups(graph, kImage);
    CHECK_FALSE(groups[0].canBeCut());
    CHECK(groups[0].refusal == "decides a number that \"reshape\" (Reshape) needs as it is");
  }
}

TEST_CASE("A share of the channels follows where channels are tied so that it stays whole", "[recipes][channels]") {
  Reshaped net;  // as in a channel shuffle: (n, 2, c / 2, h · w)
  const auto transpose = net.add(Transpose({0, 2, 1, 3}, "transpose"), {net.reshape});
  const auto half = net.add(Div("half"), {net.dim(1), ints({2}, "two")});
  const auto graph = net.graph({net.dim(0), ints({2}, "groups"), half, ints({-1}, "rest")}, 4);
  net.relu->setInput(0, transpose);
  const auto groups = channelGroups(graph, kImage);
  REQUIRE(groups[0].size == 4);
  CHECK(groups[0].canBeCut());
  const auto report = removeChannels(graph, {{net.conv, {2}}}, {1, kImage});
  CHECK(report.refused.empty());
  CHECK(dimsOf(graph, net.reshape) == Dims{2, 2, 3, 24});
}

TEST_CASE("Channels stay where a number follows from them in another way", "[recipes][channels]") {
  Reshaped net;
  const auto square = net.add(Mul("square"), {net.dim(1), net.dim(1)});
  const auto graph = net.graph({net.dim(0), net.add(Div("quotient"), {square, ints({8}, "eight")}), ints({4, 6}, "rest")}, 8);
  const auto groups = channelGroups(graph, kImage);
  CHECK_FALSE(groups[0].canBeCut());
  CHECK(groups[0].refusal.find("decides a number that ") == 0);
}

TEST_CASE("Channels stay where their number is calculated with", "[recipes][channels]") {
  Reshaped net;
  const auto scaled = makeNode("Mul", {}, "scaled");
  const auto count = net.add(makeNode("Cast", {{"to", std::string("float32")}}, "count"), {net.dim(1)});
  net.add(scaled, {net.conv, count});
  net.relu->setInput(0, scaled);
  const NodePtr last = Conv<2>(8, 3, {1, 1}, "last");
  last->setInput(0, net.relu);
  net.nodes.push_back(last);
  std::erase(net.nodes, net.reshape);
  const auto graph = GraphView::create();
  graph->add(net.nodes);
  const auto groups = channelGroups(graph, kImage);
  CHECK_FALSE(groups[0].canBeCut());
  CHECK(groups[0].refusal == "decides a number that \"scaled\" (Mul) needs as it is");
}
