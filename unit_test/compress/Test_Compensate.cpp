#include "aidge/compress/Compensate.hpp"

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
