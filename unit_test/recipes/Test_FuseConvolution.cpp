#include "aidge/recipes/FuseConvolution.hpp"

#include <cmath>
#include <random>
#include <stdexcept>

#include "aidge/nodes/BatchNorm.hpp"
#include "aidge/nodes/Convolution.hpp"
#include "aidge/nodes/Elementwise.hpp"
#include "aidge/nodes/FullyConnected.hpp"
#include "aidge/operator/Operator.hpp"
#include "aidge/scheduler/SequentialScheduler.hpp"
#include "catch.hpp"

using namespace Aidge;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr double kTolerance = 1e-5;

Tensor randomTensor(const Dims& dims, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
  std::vector<float> values(elementCount(dims));
  for (float& value : values) value = uniform(random);
  return Tensor::fromValues<float>(dims, std::span<const float>(values));
}

/// Fills weight and bias.
NodePtr filled(NodePtr node, unsigned seed) {
  for (IOIndex_t i = 1; i < node->nbInputs(); ++i) {
    if (const NodePtr producer = node->getParent(i))
      producer->getOperator()->setOutput(0, randomTensor(producer->getOperator()->getOutput(0)->dims(), ++seed));
  }
  return node;
}

GraphViewPtr chain(const std::vector<NodePtr>& nodes) {
  const std::vector<std::variant<NodePtr, GraphViewPtr>> parts(nodes.begin(), nodes.end());
  return sequential(parts);
}

GraphViewPtr pair() { return chain({filled(Conv<2>(3, 6, {1, 1}, "a"), 1), filled(Conv<2>(6, 2, {3, 3}, "b"), 5)}); }

const Dims kImage{2, 3, 8, 8};

FusionOptions options(FusionPolicy policy = FusionPolicy::ExactAndCheaper) {
  FusionOptions result;
  result.policy = policy;
  result.dims = {kImage};
  result.repeats = 0;
  return result;
}

std::vector<double> outputOf(const GraphViewPtr& graph) {
  graph->compile("cpu", DataType::Float32, {kImage});
  const std::vector<Tensor> input{randomTensor(kImage, 9)};
  return SequentialScheduler(graph).forward(input).front().toDoubles();
}

void requireSame(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0.0;
  double largest = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    worst = std::max(worst, std::abs(a[i] - b[i]));
    largest = std::max(largest, std::abs(a[i]));
  }
  REQUIRE(worst <= kTolerance * largest);
}

std::size_t layersOf(const GraphViewPtr& graph) {
  std::size_t count = 0;
  for (const NodePtr& node : graph->nodes()) count += node->getOperator()->isProducer() ? 0 : 1;
  return count;
}

}  // namespace

TEST_CASE("Two convolutions become one that computes the same", "[recipes][FuseConvolution]") {
  const auto graph = pair();
  const auto before = outputOf(graph);
  const FusionReport report = fuseConvolution(graph, options());
  REQUIRE(report.merged.size() == 1);
  REQUIRE(report.merged[0].nodes == std::vector<std::string>{"a", "b"});
  REQUIRE(report.merged[0].border == BorderRule::Refuse);
  REQUIRE(report.macsBefore == 2.0 * (64 * 18 + 36 * 108));
  REQUIRE(report.macsAfter == 2.0 * 36 * 54);
  REQUIRE(layersOf(graph) == 1);
  requireSame(outputOf(graph), before);
  REQUIRE(fuseConvolution(graph, options()).merged.empty());
}

TEST_CASE("A side consumer keeps both layers", "[recipes][FuseConvolution]") {
  const auto graph = pair();
  const NodePtr side = makeNode("ReLU", {}, "side");
  graph->getNode("a")->addChild(side);
  graph->add(side);
  const FusionReport report = fuseConvolution(graph, options(FusionPolicy::Always));
  REQUIRE(report.merged.empty());
  REQUIRE(report.refused.size() == 1);
  REQUIRE_THAT(report.refused[0].reason, ContainsSubstring("\"side\" (ReLU) uses the tensor between them too"));
}

TEST_CASE("An observer keeps both layers until it is taken off", "[recipes][FuseConvolution]") {
  const auto graph = pair();
  HookHandle handle = graph->getNode("b")->addBeforeForward([](Node&) {});
  REQUIRE(fuseConvolution(graph, options()).merged.empty());
  handle.remove();
  REQUIRE(fuseConvolution(graph, options()).merged.size() == 1);
}

TEST_CASE("A residual block without activations becomes one convolution", "[recipes][FuseConvolution]") {
  const auto graph = GraphView::create();
  const NodePtr stem = filled(Conv<2>(3, 4, {1, 1}, "stem"), 1);
  const NodePtr act = makeNode("ReLU", {}, "act");
  const NodePtr expand = filled(Conv<2>(4, 12, {1, 1}, "expand", {1, 1}, {1, 1}, true), 2);
  const NodePtr depthwise = filled(PaddedConvDepthWise<2>(12, {3, 3}, "depthwise", {1, 1}, {1, 1, 1, 1}), 3);
  const NodePtr project = filled(Conv<2>(12, 4, {1, 1}, "project"), 4);
  const NodePtr sum = Add("sum");
  stem->addChild(act);
  act->addChild(expand);
  expand->addChild(depthwise);
  depthwise->addChild(project);
  project->addChild(sum);
  act->addChild(sum);
  graph->add(std::vector<NodePtr>{stem, act, expand, depthwise, project, sum});
  const auto before = outputOf(graph);
  const FusionReport report = fuseConvolution(graph, options(FusionPolicy::Always));
  REQUIRE(report.merged.size() == 1);
  REQUIRE(report.merged[0].nodes == std::vector<std::string>{"expand", "depthwise", "project", "sum"});
  REQUIRE(layersOf(graph) == 3);
  requireSame(outputOf(graph), before);
}

TEST_CASE("The error of an approximate merge is measured", "[recipes][FuseConvolution]") {
  const auto graph = chain({filled(PaddedConv<2>(3, 4, {3, 3}, "a", {1, 1}, {1, 1, 1, 1}), 1),
                            filled(PaddedConv<2>(4, 2, {3, 3}, "b", {1, 1}, {1, 1, 1, 1}), 5)});
  FusionOptions approximate = options(FusionPolicy::Always);
  approximate.border = BorderRule::Approximate;
  REQUIRE_THROWS_WITH(fuseConvolution(graph, approximate), ContainsSubstring("expected data"));
  TensorDataProvider data({randomTensor({6, 3, 8, 8}, 7)}, 2);
  approximate.data = &data;
  const FusionReport report = fuseConvolution(graph, approximate);
  REQUIRE(report.merged[0].border == BorderRule::Approximate);
  REQUIRE(*report.error > 0.0);
  REQUIRE(*report.merged[0].error == *report.error);
  REQUIRE_THAT(toString(report), ContainsSubstring("approximate, error"));
}

TEST_CASE("A choice of one's own that throws leaves the graph as it was", "[recipes][FuseConvolution]") {
  const auto graph = pair();
  const auto nodes = graph->orderedNodes();
  FusionOptions failing = options();
  failing.accept = [](const ConvolutionMerge&) -> bool { throw std::runtime_error("enough"); };
  REQUIRE_THROWS_AS(fuseConvolution(graph, failing), std::runtime_error);
  REQUIRE(graph->orderedNodes() == nodes);
}

TEST_CASE("No graph, open dims or no backend to measure on are errors", "[recipes][FuseConvolution]") {
  REQUIRE_THROWS_AS(fuseConvolution(nullptr), std::invalid_argument);
  REQUIRE_THROWS_WITH(fuseConvolution(pair()), ContainsSubstring("dims for the graph input"));
  FusionOptions latency = options();
  latency.cost = FusionCost::Latency;
  REQUIRE_THROWS_WITH(fuseConvolution(pair(), latency), ContainsSubstring("repeats > 0"));
}

TEST_CASE("Matrices merge, with the BatchNorm between them", "[recipes][FuseConvolution]") {
  const auto graph =
      chain({filled(FC(192, 16, false, "a"), 1), BatchNorm<1>(16, 1e-5, 0.1, false, "norm"), filled(FC(16, 3, true, "b"), 4)});
  const auto before = outputOf(graph);
  REQUIRE(fuseConvolution(graph, options()).merged[0].type == "FC");
  REQUIRE(layersOf(graph) == 1);
  requireSame(outputOf(graph), before);
}
