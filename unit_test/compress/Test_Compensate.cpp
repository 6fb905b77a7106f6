#include "aidge/compress/Compensate.hpp"

#include <algorithm>
#include <span>
#include <vector>

#include "catch.hpp"
#include "scheduler/Networks.hpp"

using namespace Aidge;
using namespace Aidge::test;
using Aidge::compress::CalibrationData;
using Aidge::compress::CompensationMethod;
using Aidge::compress::CompensationOptions;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr double kRecovered = 5e-3;  ///< of the outputs' size: the least strength of the ridge is 1e-4
const Dims kDims{6, 3, 7, 7};

/// Conv, ReLU, Conv.
struct Pair {
  GraphViewPtr graph;
  NodePtr last;
};

Pair network(float scale, float shift) {
  const NodePtr first = convolution("first", 3, 5, 3, 1);
  const NodePtr last = convolution("last", 5, 4, 3, 3);
  const auto values = [&](IOIndex_t input) { return Tensor(*last->getParent(input)->getOperator()->getOutput(0)).mutableData<float>(); };
  for (float& value : values(1)) value *= scale;
  for (float& value : values(2)) value += shift;
  const NodePtr relu = makeNode("ReLU", {}, "relu");
  chain({first, relu, last});
  return {compiledGraph({first, relu, last}, {kDims}), last};
}

double distance(const GraphViewPtr& a, const GraphViewPtr& b) {
  const Tensor images = randomTensor(kDims, 50);
  return difference(SequentialScheduler(a).forward(std::vector{images})[0], SequentialScheduler(b).forward(std::vector{images})[0]);
}

struct Data {
  TensorDataProvider provider{{randomTensor({60, 3, 7, 7}, 9)}, 20};
  CalibrationData data;
  explicit Data(const GraphView& graph, std::size_t memory = CalibrationData::kDefaultMemory) : data(graph, provider, memory) {}
};

}  // namespace

TEST_CASE("Least squares recover a layer whose weights are gone", "[Compensate]") {
  const std::size_t memory = GENERATE(std::size_t{0}, std::size_t{1} << 28);
  const Pair original = network(1.0F, 0.0F);
  const Pair current = network(0.0F, 1.0F);
  REQUIRE(distance(original.graph, current.graph) > 0.1);
  Data calibration(*original.graph, memory);
  CompensationOptions options;
  options.memory = memory;
  const auto report = compress::compensate(original.graph, current.graph, calibration.data, {}, {}, options);
  CHECK(distance(original.graph, current.graph) < kRecovered);
  REQUIRE(report.layers.size() == 2);
  CHECK_FALSE(report.layers[0].isChanged);
  CHECK(report.layers[0].note == "its output is the original's");
  CHECK(report.layers[1].isChanged);
  CHECK(report.layers[1].ridge == 1e-4);
  CHECK(report.layers[1].errorAfter < 1e-4 * report.layers[1].errorBefore);
  CHECK(report.passes == calibration.data.passes());
}

TEST_CASE("Matching gives outputs the original's means and variances", "[Compensate]") {
  const Pair original = network(1.0F, 0.0F);
  const Pair current = network(3.0F, -2.0F);
  Data calibration(*original.graph);
  CompensationOptions options;
  options.method = CompensationMethod::MeanVariance;
  const auto report = compress::compensate(original.graph, current.graph, calibration.data, {}, {}, options);
  CHECK(distance(original.graph, current.graph) < kRecovered);
  REQUIRE(report.layers.size() == 2);
  CHECK(report.layers[1].isChanged);
  CHECK_FALSE(report.layers[1].ridge.has_value());
  CHECK(report.layers[1].errorAfter < report.layers[1].errorBefore);
}

TEST_CASE("Networks that are the same stay as they are, by either method", "[Compensate]") {
  CompensationOptions options;
  options.method = GENERATE(CompensationMethod::LeastSquares, CompensationMethod::MeanVariance);
  const Pair original = network(1.0F, 0.0F);
  const Pair current = network(1.0F, 0.0F);
  Data calibration(*original.graph);
  const auto report = compress::compensate(original.graph, current.graph, calibration.data, {}, {}, options);
  for (const auto& layer : report.layers) CHECK_FALSE(layer.isChanged);
  CHECK(distance(original.graph, current.graph) == 0.0);
}

TEST_CASE("What compensation cannot do is an error, and the weights stay", "[Compensate]") {
  const Pair original = network(1.0F, 0.0F);
  const Pair current = network(2.0F, 0.0F);
  const double before = distance(original.graph, current.graph);
  Data calibration(*original.graph);
  CompensationOptions options;
  options.ridges = {};
  CHECK_THROWS_WITH(compress::compensate(original.graph, current.graph, calibration.data, {}, {}, options),
                    ContainsSubstring("ridges > 0"));
  options = {};
  options.fitShare = 1.0;
  CHECK_THROWS_WITH(compress::compensate(original.graph, current.graph, calibration.data, {}, {}, options), ContainsSubstring("fit share"));
  CHECK_THROWS_WITH(compress::compensate(original.graph, current.graph, calibration.data, {{"last", {0, 1}}}),
                    ContainsSubstring("4 kept outputs"));
  const auto fail = [](std::size_t done, std::size_t, const std::string&) -> bool {
    if (done > 0) throw std::runtime_error("stopped");
    return true;
  };
  CHECK_THROWS_WITH(compress::compensate(original.graph, current.graph, calibration.data, {}, {}, {}, fail), ContainsSubstring("stopped"));
  CHECK(distance(original.graph, current.graph) == before);
}

namespace {

/// Two levels of different sizes, each through the same convolution and on to a sum of all values; `bias`: whether the second use has one of its own.
struct Head {
  NodePtr large = convolution("large", 5, 4, 3, 3);
  NodePtr small = makeNode("Conv2D", {{"kernel_dims", ints({3, 3})}, {"padding_dims", ints({1, 1, 1, 1})}}, "small");
  GraphViewPtr graph;

  Head(float scale, float shift, bool ownBias) {
    const NodePtr first = convolution("first", 3, 5, 3, 1);
    const NodePtr relu = makeNode("ReLU", {}, "relu");
    const NodePtr pool = makeNode("MaxPooling2D", {{"kernel_dims", ints({2, 2})}, {"stride_dims", ints({2, 2})}}, "pool");
    small->setInput(1, large->getParent(1));
    small->setInput(2, ownBias ? Producer(randomTensor({4}, 8), "small_b") : large->getParent(2));
    chain({first, relu, large});
    chain({relu, pool, small});
    for (float& value : valuesOf(large, 1)) value *= scale;
    for (float& value : valuesOf(large, 2)) value += shift;
    if (ownBias) {
      for (float& value : valuesOf(small, 2)) value -= shift;
    }
    graph = compiledGraph({first, relu, large, pool, small}, {kDims});
  }

  static std::span<float> valuesOf(const NodePtr& node, IOIndex_t input) {
    return Tensor(*node->getParent(input)->getOperator()->getOutput(0)).mutableData<float>();
  }
};

double largestDistance(const GraphViewPtr& a, const GraphViewPtr& b) {
  const std::vector images{randomTensor(kDims, 50)};
  const auto as = SequentialScheduler(a).forward(images);
  const auto bs = SequentialScheduler(b).forward(images);
  double worst = 0.0;
  for (std::size_t i = 0; i < as.size(); ++i) worst = std::max(worst, difference(as[i], bs[i]));
  return worst;
}

}  // namespace

TEST_CASE("Layers that share a weight are fitted together, and share it afterwards", "[Compensate]") {
  const bool ownBias = GENERATE(false, true);
  const Head original(1.0F, 0.0F, ownBias);
  const Head current(0.0F, 1.0F, ownBias);
  REQUIRE(largestDistance(original.graph, current.graph) > 0.1);
  Data calibration(*original.graph);
  const auto report = compress::compensate(original.graph, current.graph, calibration.data, {});
  CHECK(largestDistance(original.graph, current.graph) < kRecovered);
  CHECK(current.large->getParent(1) == current.small->getParent(1));
  CHECK((current.large->getParent(2) == current.small->getParent(2)) == !ownBias);
  REQUIRE(report.layers.size() == 3);
  CHECK(report.layers[1].isChanged);
  CHECK(report.layers[1].errorAfter == report.layers[2].errorAfter);
}

TEST_CASE("Matching treats the uses of a weight as one", "[Compensate]") {
  const Head original(1.0F, 0.0F, false);
  const Head current(3.0F, -2.0F, false);
  Data calibration(*original.graph);
  CompensationOptions options;
  options.method = CompensationMethod::MeanVariance;
  const auto report = compress::compensate(original.graph, current.graph, calibration.data, {}, {}, options);
  CHECK(largestDistance(original.graph, current.graph) < kRecovered);
  CHECK(current.large->getParent(1) == current.small->getParent(1));
  CHECK(report.layers[1].isChanged);
}

TEST_CASE("A weight that is used on its own results ends no worse than it was", "[Compensate]") {
  const auto unrolled = [](float scale) {
    const NodePtr first = convolution("first", 3, 4, 3, 1);
    const NodePtr once = convolution("once", 4, 4, 3, 3);
    const NodePtr again = makeNode("Conv2D", {{"kernel_dims", ints({3, 3})}, {"padding_dims", ints({1, 1, 1, 1})}}, "again");
    for (const IOIndex_t input : {1U, 2U}) again->setInput(input, once->getParent(input));
    for (float& value : Head::valuesOf(once, 1)) value *= scale;
    const NodePtr inner = makeNode("ReLU", {}, "inner");
    const NodePtr outer = makeNode("ReLU", {}, "outer");
    chain({first, inner, once, outer, again});
    return compiledGraph({first, inner, once, outer, again}, {kDims});
  };
  const auto original = unrolled(1.0F);
  const auto current = unrolled(0.5F);
  const double before = largestDistance(original, current);
  Data calibration(*original);
  const auto report = compress::compensate(original, current, calibration.data, {});
  CHECK(current->getNode("once")->getParent(1) == current->getNode("again")->getParent(1));
  REQUIRE(report.layers.size() == 3);
  CHECK(report.layers[1].isChanged);
  CHECK(report.layers[1].errorAfter < report.layers[1].errorBefore);
  CHECK(largestDistance(original, current) < 0.5 * before);
}
