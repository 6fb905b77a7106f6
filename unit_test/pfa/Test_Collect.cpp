#include "aidge/pfa/Collect.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "aidge/scheduler/SequentialScheduler.hpp"
#include "catch.hpp"
#include "scheduler/Networks.hpp"

using namespace Aidge;
using namespace Aidge::test;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr double kTolerance = 1e-5;

std::vector<NodePtr> convolutions(const GraphViewPtr& graph) {
  std::vector<NodePtr> nodes;
  for (const NodePtr& node : graph->orderedNodes()) {
    if (node->type() == "Conv2D") nodes.push_back(node);
  }
  return nodes;
}

double worst(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double difference = 0.0;
  double largest = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = std::max(difference, std::fabs(a[i] - b[i]));
    largest = std::max(largest, std::fabs(b[i]));
  }
  return difference / largest;
}

}  // namespace

TEST_CASE("Covariances of a pass are those of the layers' pooled outputs", "[Collect]") {
  const ResidualNet net;
  const Tensor images = randomTensor({30, 3, 12, 12}, 1);
  const std::vector<NodePtr> layers = convolutions(net.graph);
  TensorDataProvider provider({images}, 7);
  const auto found = pfa::collectResponses(net.graph, provider, layers, Pooling::Average);
  REQUIRE(found.size() == layers.size());

  SequentialScheduler scheduler(net.graph);
  scheduler.keepOutputs(layers);
  static_cast<void>(scheduler.forward(std::vector{images}));
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Tensor output = *layers[i]->getOperator()->getOutput(0);
    const auto channels = static_cast<std::size_t>(output.dims()[1]);
    const std::vector<double> values = output.toDoubles();
    const std::size_t positions = values.size() / (30 * channels);
    std::vector<double> rows(30 * channels, 0.0);
    for (std::size_t j = 0; j < values.size(); ++j) rows[j / positions] += values[j] / static_cast<double>(positions);
    statistics::Covariance expected;
    expected.add(rows, channels);
    REQUIRE(found[i].samples() == 30);
    REQUIRE(worst(found[i].matrix(), expected.matrix()) < kTolerance);
  }
}

TEST_CASE("Collecting leaves the graph as it was, also when it fails", "[Collect]") {
  const ResidualNet net;
  const std::vector<NodePtr> layers = convolutions(net.graph);
  Tensor images = randomTensor({4, 3, 12, 12}, 2);
  TensorDataProvider provider({images}, 2);
  static_cast<void>(pfa::collectResponses(net.graph, provider, layers, Pooling::Max));
  for (const NodePtr& layer : layers) REQUIRE_FALSE(layer->hasObservers());

  images.mutableData<float>()[3 * 3 * 144 + 5] = std::numeric_limits<float>::quiet_NaN();
  REQUIRE_THROWS_WITH(pfa::collectResponses(net.graph, provider, layers, Pooling::Max),
                      ContainsSubstring("layer \"" + layers[0]->name() + "\"") && ContainsSubstring("samples"));
  for (const NodePtr& layer : layers) REQUIRE_FALSE(layer->hasObservers());
}

TEST_CASE("Progress is told after every batch and may stop the pass", "[Collect]") {
  const ResidualNet net;
  const std::vector<NodePtr> layers = convolutions(net.graph);
  TensorDataProvider provider({randomTensor({10, 3, 12, 12}, 3)}, 4);
  std::vector<std::size_t> samples;
  const auto found = pfa::collectResponses(net.graph, provider, layers, Pooling::Max, [&](const pfa::CollectProgress& state) {
    samples.push_back(state.samples);
    REQUIRE(state.batches == 3);
    return state.batch < 2;
  });
  REQUIRE(samples == std::vector<std::size_t>{4, 8});
  REQUIRE(found[0].samples() == 8);
}

TEST_CASE("What cannot be collected is refused", "[Collect]") {
  const ResidualNet net;
  const std::vector<NodePtr> layers = convolutions(net.graph);
  TensorDataProvider provider({randomTensor({2, 3, 12, 12}, 4)}, 2);
  REQUIRE_THROWS_WITH(pfa::collectResponses(net.graph, provider, {}, Pooling::Max), ContainsSubstring("expected at least one layer"));
  REQUIRE_THROWS_WITH(pfa::collectResponses(net.graph, provider, std::vector{layers[0], layers[0]}, Pooling::Max),
                      ContainsSubstring("twice"));
  REQUIRE_THROWS_WITH(pfa::collectResponses(net.graph, provider, std::vector{makeNode("ReLU", {}, "stranger")}, Pooling::Max),
                      ContainsSubstring("stranger"));
  REQUIRE_THROWS_WITH(pfa::collectResponses(GraphView::create("raw"), provider, layers, Pooling::Max),
                      ContainsSubstring("expected a graph that has been compiled"));
}
