#include "aidge/recipes/FuseBatchNorm.hpp"

#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>

#include "aidge/nodes/BatchNorm.hpp"
#include "aidge/nodes/ConvTranspose.hpp"
#include "aidge/nodes/Convolution.hpp"
#include "aidge/nodes/FullyConnected.hpp"
#include "aidge/operator/Operator.hpp"
#include "aidge/scheduler/SequentialScheduler.hpp"
#include "catch.hpp"

using namespace Aidge;
using Catch::Approx;

namespace {

constexpr double kTolerance = 1e-5;

Tensor randomTensor(const Dims& dims, unsigned seed, float low = -1.0F) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(low, 1.0F);
  std::vector<float> values(elementCount(dims));
  for (float& value : values) value = uniform(random);
  return Tensor::fromValues<float>(dims, std::span<const float>(values));
}

/// Fills every producer that feeds the node; variances stay positive.
NodePtr filled(NodePtr node, unsigned seed) {
  for (IOIndex_t i = 0; i < node->nbInputs(); ++i) {
    const NodePtr producer = node->getParent(i);
    if (!producer) continue;
    const bool variance = producer->name().ends_with("_var");
    producer->getOperator()->setOutput(0, randomTensor(producer->getOperator()->getOutput(0)->dims(), ++seed, variance ? 0.2F : -1.0F));
  }
  return node;
}

template <std::size_t DIM> NodePtr norm(DimSize_t channels, const std::string& name = "bn") {
  return filled(BatchNorm<DIM>(channels, 1e-3, 0.1, false, name), 70);
}

GraphViewPtr chain(const std::vector<NodePtr>& nodes) {
  const std::vector<std::variant<NodePtr, GraphViewPtr>> parts(nodes.begin(), nodes.end());
  return sequential(parts);
}

std::vector<double> outputOf(const GraphViewPtr& graph, const Dims& dims) {
  graph->compile("cpu", DataType::Float32, {dims});
  const std::vector<Tensor> input{randomTensor(dims, 5)};
  return SequentialScheduler(graph).forward(input).front().toDoubles();
}

/// Same outputs before and after, one BatchNorm gone, and nothing left to do.
void requireFused(const GraphViewPtr& graph, const Dims& dims, std::size_t count = 1) {
  const auto before = outputOf(graph, dims);
  REQUIRE(fuseBatchNorm(graph) == count);
  const auto after = outputOf(graph, dims);
  REQUIRE(after.size() == before.size());
  double worst = 0.0;
  double largest = 0.0;
  for (std::size_t i = 0; i < after.size(); ++i) {
    worst = std::max(worst, std::abs(after[i] - before[i]));
    largest = std::max(largest, std::abs(before[i]));
  }
  REQUIRE(worst <= kTolerance * largest);
  for (const NodePtr& node : graph->orderedNodesDeep()) REQUIRE_FALSE(node->type().starts_with("BatchNorm"));
  REQUIRE(fuseBatchNorm(graph) == 0);
}

}  // namespace

TEST_CASE("A BatchNorm is folded into the convolution before it", "[recipes][FuseBatchNorm]") {
  const auto graph = chain({filled(Conv<2>(3, 4, {3, 3}, "conv"), 1), norm<2>(4)});
  requireFused(graph, {2, 3, 6, 6});
  REQUIRE(graph->findNode("conv") != nullptr);
  REQUIRE(graph->findNode("bn_scale") == nullptr);
  REQUIRE(graph->size() == 3);
}

TEST_CASE("Weights and bias are those of the formula", "[recipes][FuseBatchNorm]") {
  const NodePtr conv = filled(Conv<2>(1, 2, {1, 1}, "conv"), 1);
  const NodePtr bn = norm<2>(2);
  const auto graph = chain({conv, bn});
  const auto value = [](const NodePtr& node, IOIndex_t index) { return node->getParent(index)->getOperator()->getOutput(0)->toDoubles(); };
  const auto weight = value(conv, 1);
  const auto bias = value(conv, 2);
  const auto scale = value(bn, 1);
  const auto shift = value(bn, 2);
  const auto mean = value(bn, 3);
  const auto variance = value(bn, 4);
  REQUIRE(fuseBatchNorm(graph) == 1);
  for (std::size_t c = 0; c < 2; ++c) {
    const double factor = scale[c] / std::sqrt(variance[c] + 1e-3);
    REQUIRE(value(conv, 1)[c] == Approx(weight[c] * factor).epsilon(1e-6));
    REQUIRE(value(conv, 2)[c] == Approx((bias[c] - mean[c]) * factor + shift[c]).epsilon(1e-6));
  }
}

TEST_CASE("A missing bias is created", "[recipes][FuseBatchNorm]") {
  const auto graph = chain({filled(Conv<2>(3, 4, {3, 3}, "conv", {1, 1}, {1, 1}, true), 1), norm<2>(4)});
  requireFused(graph, {2, 3, 6, 6});
  REQUIRE(graph->getNode("conv")->getParent(2)->name() == "conv_b");
  REQUIRE(graph->inputs().size() == 1);
}

TEST_CASE("One, two and three dimensions, groups and transposed convolutions fold alike", "[recipes][FuseBatchNorm]") {
  requireFused(chain({filled(Conv<1>(3, 4, {3}, "conv"), 1), norm<1>(4)}), {2, 3, 9});
  requireFused(chain({filled(Conv<3>(2, 4, {2, 3, 2}, "conv"), 1), norm<3>(4)}), {2, 2, 5, 6, 4});
  requireFused(chain({filled(ConvDepthWise<2>(4, {3, 3}, "conv"), 1), norm<2>(4)}), {2, 4, 6, 6});
  requireFused(chain({filled(FC(6, 5, false, "fc"), 1), norm<1>(5)}), {3, 6});
}

TEST_CASE("The groups of a transposed convolution fold channel by channel", "[recipes][FuseBatchNorm]") {
  for (const DimSize_t groups : {1, 2}) {
    const NodePtr conv =
        makeNode("ConvTranspose2D", {{"kernel_dims", std::vector<std::int64_t>{3, 2}}, {"groups", std::int64_t{groups}}}, "conv");
    Producer(Tensor::full({4, 6 / groups, 3, 2}, 0.0), "conv_w")->addChild(conv, 0, 1);
    Producer(Tensor::full({6}, 0.0), "conv_b")->addChild(conv, 0, 2);
    requireFused(chain({filled(conv, 1), norm<2>(6)}), {2, 4, 5, 5});
  }
}

TEST_CASE("Two BatchNorms in a row both go", "[recipes][FuseBatchNorm]") {
  requireFused(chain({filled(Conv<2>(3, 4, {3, 3}, "conv"), 1), norm<2>(4, "bn1"), norm<2>(4, "bn2")}), {2, 3, 6, 6}, 2);
}

namespace {

/// A layer that reads weight and bias of `first`.
NodePtr twin(const NodePtr& first, const std::string& name) {
  const NodePtr second = makeNode("Conv2D", {{"kernel_dims", std::vector<std::int64_t>{1, 1}}}, name);
  second->setInput(1, first->getParent(1));
  second->setInput(2, first->getParent(2));
  return second;
}

}  // namespace

TEST_CASE("Layers that share a weight are folded together where the same map follows each", "[recipes][FuseBatchNorm]") {
  const NodePtr first = filled(Conv<2>(3, 3, {1, 1}, "first"), 1);
  const NodePtr second = twin(first, "second");
  const auto graph = chain({first, norm<2>(3, "bn1"), second, norm<2>(3, "bn2")});
  requireFused(graph, {2, 3, 4, 4}, 2);
  REQUIRE(first->getParent(1) == second->getParent(1));
  REQUIRE(first->getParent(2) == second->getParent(2));
  REQUIRE(second->getParent(1)->name() == "first_w");
}

TEST_CASE("A weight that layers share does not become two by folding", "[recipes][FuseBatchNorm]") {
  const NodePtr first = filled(Conv<2>(3, 3, {1, 1}, "first"), 1);
  const NodePtr second = twin(first, "second");
  const bool hasOther = GENERATE(false, true);
  auto nodes = std::vector<NodePtr>{first, norm<2>(3), second};
  if (hasOther) nodes.push_back(filled(BatchNorm<2>(3, 1e-3, 0.1, false, "other"), 30));
  const auto graph = chain(nodes);
  const auto before = outputOf(graph, {2, 3, 4, 4});
  REQUIRE(fuseBatchNorm(graph) == 0);
  REQUIRE(outputOf(graph, {2, 3, 4, 4}) == before);
  REQUIRE(first->getParent(1) == second->getParent(1));
}

TEST_CASE("A BatchNorm inside a meta operator is folded there", "[recipes][FuseBatchNorm]") {
  const auto inner = chain({filled(Conv<2>(3, 4, {3, 3}, "conv"), 1), norm<2>(4)});
  requireFused(chain({makeNode("ReLU", {}, "relu"), MetaOperator("Block", inner, "block")}), {2, 3, 6, 6});
}

TEST_CASE("Nothing is folded where the layer's own output is also wanted", "[recipes][FuseBatchNorm]") {
  const NodePtr conv = filled(Conv<2>(3, 4, {1, 1}, "conv"), 1);
  const NodePtr bn = norm<2>(4);
  const NodePtr sum = makeNode("Add", {}, "sum");
  conv->addChild(bn);
  conv->addChild(sum);
  bn->addChild(sum);
  const auto shared = GraphView::create();
  shared->add(std::vector<NodePtr>{conv, bn, sum});
  REQUIRE(fuseBatchNorm(shared) == 0);

  const auto graph = chain({filled(Conv<2>(3, 4, {1, 1}, "conv"), 1), norm<2>(4)});
  graph->setOutputs({{"y", graph->getNode("bn"), 0}, {"features", graph->getNode("conv"), 0}});
  REQUIRE(fuseBatchNorm(graph) == 0);
}

TEST_CASE("Nothing is folded where there is no layer, a parameter is fed, or the factor is not finite", "[recipes][FuseBatchNorm]") {
  REQUIRE(fuseBatchNorm(chain({makeNode("ReLU", {}, "relu"), norm<2>(4)})) == 0);
  REQUIRE(fuseBatchNorm(chain({norm<2>(4)})) == 0);

  const auto fed = chain({filled(Conv<2>(3, 4, {1, 1}, "conv"), 1), norm<2>(4)});
  fed->remove(fed->getNode("bn_mean"));
  const std::size_t size = fed->size();
  REQUIRE(fuseBatchNorm(fed) == 0);
  REQUIRE(fed->size() == size);

  const auto negative = chain({filled(Conv<2>(3, 4, {1, 1}, "conv"), 1), norm<2>(4)});
  negative->getNode("bn_var")->getOperator()->setOutput(0, Tensor::full({4}, -1.0));
  REQUIRE(fuseBatchNorm(negative) == 0);
}

TEST_CASE("No graph is an error for the fusion", "[recipes][FuseBatchNorm]") {
  REQUIRE_THROWS_AS(fuseBatchNorm(nullptr), std::invalid_argument);
}
