#include "backend/cpu/PoolValues.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <tuple>
#include <vector>

#include "aidge/backend/cpu/Threads.hpp"
#include "catch.hpp"

using namespace Aidge;

namespace {

constexpr double kTolerance = 1e-12;

std::size_t extent(const Dims& dims, std::size_t from) {
  std::size_t product = 1;
  for (std::size_t axis = from; axis < dims.size(); ++axis) product *= static_cast<std::size_t>(dims[axis]);
  return product;
}

std::vector<float> randomValues(std::size_t n, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(-1.0F, 2.0F);
  std::vector<float> values(n);
  for (float& v : values) v = normal(engine);
  return values;
}

/// Element (image, channel, position) of a tensor.
std::size_t place(const Dims& dims, Layout layout, std::size_t image, std::size_t channel, std::size_t position) {
  const auto channels = static_cast<std::size_t>(dims[1]);
  const std::size_t positions = extent(dims, 2);
  if (layout == Layout::Plain) return (image * channels + channel) * positions + position;
  return (image * positions + position) * channels + channel;
}

/// One element after the other.
std::vector<double> expected(const std::vector<float>& values, const Dims& dims, Layout layout, Pooling pooling) {
  std::vector<double> results;
  const std::size_t positions = extent(dims, 2);
  for (std::size_t image = 0; image < static_cast<std::size_t>(dims[0]); ++image) {
    for (std::size_t channel = 0; channel < static_cast<std::size_t>(dims[1]); ++channel) {
      double most = -std::numeric_limits<double>::infinity();
      double sum = 0.0;
      for (std::size_t p = 0; p < positions; ++p) {
        const double value = values[place(dims, layout, image, channel, p)];
        most = std::max(most, value);
        sum += value;
      }
      results.push_back(pooling == Pooling::Max ? most : pooling == Pooling::Sum ? sum : sum / static_cast<double>(positions));
    }
  }
  return results;
}

std::vector<double> pooled(const std::vector<float>& values, const Dims& dims, Layout layout, Pooling pooling) {
  std::vector<double> results(static_cast<std::size_t>(dims[0]) * (dims.size() > 1 ? static_cast<std::size_t>(dims[1]) : 1));
  cpu::poolValues(values.data(), dims, layout, pooling, results.data());
  return results;
}

void requireSame(const std::vector<double>& got, const std::vector<double>& wanted) {
  REQUIRE(got.size() == wanted.size());
  double worst = 0.0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double difference = std::fabs(got[i] - wanted[i]) / (1.0 + std::fabs(wanted[i]));
    worst = difference <= worst ? worst : difference;
  }
  REQUIRE(worst <= kTolerance);
}

}  // namespace

TEST_CASE("Every image and channel is pooled by itself, in both memory orders", "[PoolValues]") {
  const Dims dims = GENERATE(Dims{3, 5, 7}, Dims{1, 1, 4, 4}, Dims{2, 3, 112, 113}, Dims{1, 100, 9, 9}, Dims{4, 17, 1, 1},
                             Dims{2, 67, 40, 41}, Dims{2, 6000, 2, 3}, Dims{2, 3, 2, 3, 4});
  const Layout layout = GENERATE(Layout::Plain, Layout::ChannelsLast);
  const Pooling pooling = GENERATE(Pooling::Max, Pooling::Average, Pooling::Sum);
  const std::vector<float> values = randomValues(extent(dims, 0), 1);
  requireSame(pooled(values, dims, layout, pooling), expected(values, dims, layout, pooling));
}

TEST_CASE("Without spatial axes the values are the responses", "[PoolValues]") {
  const std::vector<float> values{1.0F, -2.0F, 3.0F, 4.0F, 5.0F, -6.0F};
  const std::vector<double> wanted(values.begin(), values.end());
  for (const Pooling pooling : {Pooling::Max, Pooling::Average, Pooling::Sum}) {
    REQUIRE(pooled(values, {2, 3}, Layout::Plain, pooling) == wanted);
    REQUIRE(pooled(values, {6}, Layout::Plain, pooling) == wanted);
  }
}

TEST_CASE("NaN and infinities make their image's channel not finite, wherever they stand", "[PoolValues]") {
  const Dims dims{2, 3, 31, 33};
  const Layout layout = GENERATE(Layout::Plain, Layout::ChannelsLast);
  const Pooling pooling = GENERATE(Pooling::Max, Pooling::Average, Pooling::Sum);
  for (const float poison : {std::nanf(""), INFINITY, -INFINITY}) {
    for (const std::size_t position : {0U, 500U, 1022U}) {
      std::vector<float> values = randomValues(extent(dims, 0), 2);
      values[place(dims, layout, 1, 2, position)] = poison;
      const std::vector<double> results = pooled(values, dims, layout, pooling);
      REQUIRE_FALSE(std::isfinite(results[5]));
      REQUIRE(std::all_of(results.begin(), results.begin() + 3, [](double value) { return std::isfinite(value); }));
    }
  }
}

TEST_CASE("The number of threads does not change a bit", "[PoolValues]") {
  const Dims dims{3, 40, 57, 57};
  const std::vector<float> values = randomValues(extent(dims, 0), 3);
  const Layout layout = GENERATE(Layout::Plain, Layout::ChannelsLast);
  const Pooling pooling = GENERATE(Pooling::Max, Pooling::Sum);
  cpu::setNumThreads(1);
  const std::vector<double> one = pooled(values, dims, layout, pooling);
  cpu::setNumThreads(4);
  const std::vector<double> four = pooled(values, dims, layout, pooling);
  cpu::setNumThreads(0);
  REQUIRE(one == four);
}

TEST_CASE("No images, or no channels, give nothing", "[PoolValues]") {
  const std::vector<float> none;
  REQUIRE(pooled(none, {0, 3, 2, 2}, Layout::ChannelsLast, Pooling::Max).empty());
  REQUIRE(pooled(none, {3, 0, 2, 2}, Layout::ChannelsLast, Pooling::Sum).empty());
}
