#include "aidge/compress/CalibrationData.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "aidge/compress/CollectInputs.hpp"
#include "catch.hpp"
#include "scheduler/Networks.hpp"

using namespace Aidge;
using namespace Aidge::test;
using Aidge::compress::CalibrationData;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr DimSize_t kImages = 10;
constexpr std::size_t kBatch = 4;

/// Batches that are others at every pass.
class RestlessProvider final : public DataProvider {
 public:
  void reset() override {
    ++mPass;
    mBatch = 0;
  }
  std::optional<std::vector<Tensor>> next() override {
    if (mBatch++ == 2) return std::nullopt;
    return std::vector{randomTensor({4, 3, 12, 12}, mPass)};
  }

 private:
  unsigned mPass = 0;
  int mBatch = 0;
};

std::vector<std::size_t> sizes(CalibrationData& data) {
  std::vector<std::size_t> result;
  data.forEach([&](const CalibrationData::Batch& batch) {
    CHECK(batch.inputs.size() == 1);
    CHECK(static_cast<std::size_t>(batch.inputs[0].dims()[0]) == batch.samples);
    result.push_back(batch.samples);
  });
  return result;
}

}  // namespace

TEST_CASE("Calibration data that fits the memory is read once", "[CalibrationData]") {
  const ResidualNet net;
  TensorDataProvider provider({randomTensor({kImages, 3, 12, 12}, 1)}, kBatch);
  CalibrationData data(*net.graph, provider);
  CHECK(data.samples() == 10);
  CHECK(data.bytes() == 10 * 3 * 12 * 12 * sizeof(float));
  CHECK(sizes(data) == std::vector<std::size_t>{4, 4, 2});
  CHECK(sizes(data) == std::vector<std::size_t>{4, 4, 2});
  CHECK(data.passes() == 1);
}

TEST_CASE("Calibration data that does not fit is read at every pass", "[CalibrationData]") {
  const ResidualNet net;
  TensorDataProvider provider({randomTensor({kImages, 3, 12, 12}, 1)}, kBatch);
  CalibrationData data(*net.graph, provider, 1000);
  CHECK(data.bytes() == 0);
  CHECK(sizes(data) == std::vector<std::size_t>{4, 4, 2});
  CHECK(sizes(data) == std::vector<std::size_t>{4, 4, 2});
  CHECK(data.passes() == 3);
}

TEST_CASE("Passes that differ are an error where the data is not kept", "[CalibrationData]") {
  const ResidualNet net;
  RestlessProvider provider;
  CalibrationData data(*net.graph, provider, 0);
  CHECK_THROWS_WITH(sizes(data), ContainsSubstring("the same batches at every pass"));
}

TEST_CASE("A value that is not finite is named with its batch", "[CalibrationData]") {
  const ResidualNet net;
  Tensor images = randomTensor({kImages, 3, 12, 12}, 1);
  images.mutableData<float>()[5 * 3 * 12 * 12] = std::numeric_limits<float>::infinity();
  TensorDataProvider provider({images}, kBatch);
  CHECK_THROWS_WITH(CalibrationData(*net.graph, provider), ContainsSubstring("of batch 1 (from 0)"));
}

TEST_CASE("A provider without batches is an error", "[CalibrationData]") {
  const ResidualNet net;
  TensorDataProvider provider({randomTensor({0, 3, 12, 12}, 1)}, kBatch);
  CHECK_THROWS_WITH(CalibrationData(*net.graph, provider), ContainsSubstring("at least one batch"));
}

TEST_CASE("Covariances at an input are those of its tensor's positions", "[CollectInputs]") {
  const ResidualNet net;
  const Tensor images = randomTensor({kImages, 3, 12, 12}, 1);
  TensorDataProvider provider({images}, kBatch);
  CalibrationData data(*net.graph, provider);
  NodePtr layer;
  for (const NodePtr& node : net.graph->orderedNodes()) {
    if (!layer && node->type() == "Conv2D") layer = node;
  }
  REQUIRE(layer);
  const auto found = compress::collectInputs(net.graph, data, {{layer, 0, {}}});
  std::vector<double> rows;
  const std::vector<double> values = images.toDoubles();
  for (std::size_t n = 0; n < 10; ++n) {
    for (std::size_t p = 0; p < 144; ++p) {
      for (std::size_t c = 0; c < 3; ++c) rows.push_back(values[(n * 3 + c) * 144 + p]);
    }
  }
  statistics::Covariance expected;
  expected.add(rows, 3);
  REQUIRE(found.size() == 1);
  const auto got = found[0].matrix();
  const auto wanted = expected.matrix();
  REQUIRE(got.size() == wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(std::abs(got[i] - wanted[i]) < 1e-9);
}
