#include "aidge/recipes/ConvMap.hpp"

#include <cmath>
#include <random>
#include <stdexcept>

#include "catch.hpp"

using namespace Aidge;
using Catch::Approx;

namespace {

constexpr double kTolerance = 1e-12;

/// One spatial axis: everything can then be checked by two loops.
ConvMap line(DimSize_t in, DimSize_t out, DimSize_t groups, DimSize_t kernel, unsigned seed, DimSize_t stride = 1, DimSize_t dilation = 1,
             DimSize_t begin = 0, DimSize_t end = 0, bool bias = true) {
  ConvMap map{{{kernel}, {stride}, {dilation}, {begin}, {end}, in, out, groups, bias}, {}, {}};
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(-1.0, 1.0);
  map.weight.resize(static_cast<std::size_t>(out * (in / groups) * kernel));
  map.bias.resize(bias ? static_cast<std::size_t>(out) : 0);
  for (double& value : map.weight) value = uniform(random);
  for (double& value : map.bias) value = uniform(random);
  return map;
}

using Image = std::vector<std::vector<double>>;  // channel, position

Image image(DimSize_t channels, DimSize_t extent, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(-1.0, 1.0);
  Image x(static_cast<std::size_t>(channels), std::vector<double>(static_cast<std::size_t>(extent)));
  for (auto& row : x) {
    for (double& value : row) value = uniform(random);
  }
  return x;
}

/// The definition, written out.
Image convolved(const ConvMap& map, const Image& x) {
  const ConvShape& s = map.shape;
  const auto input = static_cast<DimSize_t>(x[0].size());
  const DimSize_t output = s.output({input})[0];
  const DimSize_t inPer = s.in / s.groups;
  Image y(static_cast<std::size_t>(s.out), std::vector<double>(static_cast<std::size_t>(output), 0.0));
  for (DimSize_t o = 0; o < s.out; ++o) {
    for (DimSize_t q = 0; q < output; ++q) {
      double total = map.bias.empty() ? 0.0 : map.bias[static_cast<std::size_t>(o)];
      for (DimSize_t i = 0; i < inPer; ++i) {
        for (DimSize_t t = 0; t < s.kernel[0]; ++t) {
          const DimSize_t at = q * s.stride[0] - s.padBegin[0] + t * s.dilation[0];
          if (at < 0 || at >= input) continue;
          const DimSize_t channel = o / (s.out / s.groups) * inPer + i;
          total += map.weight[static_cast<std::size_t>((o * inPer + i) * s.kernel[0] + t)] *
                   x[static_cast<std::size_t>(channel)][static_cast<std::size_t>(at)];
        }
      }
      y[static_cast<std::size_t>(o)][static_cast<std::size_t>(q)] = total;
    }
  }
  return y;
}

double difference(const Image& a, const Image& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0.0;
  for (std::size_t c = 0; c < a.size(); ++c) {
    REQUIRE(a[c].size() == b[c].size());
    for (std::size_t p = 0; p < a[c].size(); ++p) worst = std::max(worst, std::abs(a[c][p] - b[c][p]));
  }
  return worst;
}

}  // namespace

TEST_CASE("A composed map computes what the two do, for all strides, dilations and groups", "[recipes][ConvMap]") {
  for (DimSize_t stride = 1; stride <= 3; ++stride) {
    for (DimSize_t dilation = 1; dilation <= 3; ++dilation) {
      for (const auto& [first, second] : std::vector<std::pair<DimSize_t, DimSize_t>>{{1, 1}, {2, 2}, {4, 1}, {1, 4}, {2, 4}, {4, 4}}) {
        const ConvMap a = line(4, 8, first, 3, 1, stride, dilation, 1, 2);
        const ConvMap b = line(8, 4, second, 2, 2, 4 - stride, 4 - dilation);
        const Image x = image(4, 29, 3);
        REQUIRE(difference(convolved(compose(a, b), x), convolved(b, convolved(a, x))) <= kTolerance * 100);
      }
    }
  }
}

TEST_CASE("The border case says exactly where composing is exact", "[recipes][ConvMap]") {
  std::size_t exact = 0;
  for (DimSize_t kernel = 1; kernel <= 3; ++kernel) {
    for (DimSize_t stride = 1; stride <= 3; ++stride) {
      for (DimSize_t begin = 0; begin <= 2; ++begin) {
        for (DimSize_t end = 0; end <= 2; ++end) {
          for (const bool bias : {false, true}) {
            for (DimSize_t size = 6; size <= 9; ++size) {
              const ConvMap a = line(1, 2, 1, kernel, 1, stride, 1, begin, end, bias);
              const ConvMap b = line(2, 1, 1, 2, 2, 1, 2, 1, 1);
              const Image x = image(1, size, 3);
              const bool same = difference(convolved(compose(a, b), x), convolved(b, convolved(a, x))) <= kTolerance * 100;
              REQUIRE(same == (borderCase(a.shape, b.shape, {size}) == BorderCase::Exact));
              if (borderCase(a.shape, b.shape, {kDynamicDim}) == BorderCase::Exact) REQUIRE(same);
              exact += same ? 1 : 0;
            }
          }
        }
      }
    }
  }
  REQUIRE(exact > 50);
}

TEST_CASE("Taps that lie on a grid keep the dilation, and can be spelled out", "[recipes][ConvMap]") {
  const ConvMap a = line(2, 3, 1, 1, 1, 2);
  const ConvMap b = line(3, 2, 1, 3, 2, 1, 2);
  const ConvMap both = compose(a, b);
  REQUIRE(both.shape.kernel == Dims{3});
  REQUIRE(both.shape.dilation == Dims{4});
  const ConvMap spelled = withoutDilation(both);
  REQUIRE(spelled.shape.kernel == Dims{9});
  const Image x = image(2, 20, 3);
  REQUIRE(difference(convolved(both, x), convolved(spelled, x)) <= kTolerance);
}

TEST_CASE("A sum embeds both kernels", "[recipes][ConvMap]") {
  const ConvMap f = line(4, 4, 2, 3, 1, 1, 2, 2, 2);
  const ConvMap g = line(4, 4, 4, 2, 2, 1, 1, 0, 1);
  const auto shape = sumShape(f.shape, g.shape, {kDynamicDim});
  REQUIRE(shape.has_value());
  REQUIRE(shape->groups == 2);
  const Image x = image(4, 11, 3);
  Image expected = convolved(f, x);
  const Image other = convolved(g, x);
  for (std::size_t c = 0; c < expected.size(); ++c) {
    for (std::size_t p = 0; p < expected[c].size(); ++p) expected[c][p] += other[c][p];
  }
  REQUIRE(difference(convolved(sum(f, g, *shape), x), expected) <= kTolerance);
}

TEST_CASE("Maps of other strides, channels or extents have no sum", "[recipes][ConvMap]") {
  const ConvMap f = line(4, 4, 1, 3, 1, 1, 1, 1, 1);
  REQUIRE_FALSE(sumShape(f.shape, line(4, 4, 1, 1, 1, 2).shape, {9}).has_value());
  REQUIRE_FALSE(sumShape(f.shape, line(4, 2, 1, 1, 1).shape, {9}).has_value());
  REQUIRE_FALSE(sumShape(f.shape, line(4, 4, 1, 3, 1).shape, {9}).has_value());
  // Two extents that agree for this size only.
  const ConvShape even = line(4, 4, 1, 2, 1, 2).shape;
  const ConvShape odd = line(4, 4, 1, 1, 1, 2).shape;
  REQUIRE(sumShape(even, odd, {8}).has_value());
  REQUIRE_FALSE(sumShape(even, odd, {9}).has_value());
  REQUIRE_FALSE(sumShape(even, odd, {kDynamicDim}).has_value());
}

TEST_CASE("The identity is neutral, and its groups can be spelled out", "[recipes][ConvMap]") {
  const ConvMap a = line(4, 6, 2, 3, 1, 2, 1, 1, 0);
  const ConvMap same = compose(identityMap(4, 1), a);
  REQUIRE(same.shape == a.shape);
  REQUIRE(same.weight == a.weight);
  REQUIRE(compose(a, identityMap(6, 1)).weight == a.weight);
  const ConvMap dense = withGroups(a, 1);
  REQUIRE(dense.shape.groups == 1);
  const Image x = image(4, 9, 3);
  REQUIRE(difference(convolved(dense, x), convolved(a, x)) <= kTolerance);
  REQUIRE_THROWS_AS(withGroups(a, 4), std::invalid_argument);
}

TEST_CASE("A shift of the input stands for the bias where there is one", "[recipes][ConvMap]") {
  const ConvMap a = line(4, 2, 2, 1, 1);
  const auto shift = inputShift(a);
  REQUIRE(shift.has_value());
  const auto response = responseTo(a, *shift);
  for (std::size_t o = 0; o < response.size(); ++o) REQUIRE(response[o] == Approx(-a.bias[o]).margin(1e-12));
  REQUIRE_FALSE(inputShift(line(1, 3, 1, 1, 1)).has_value());
  ConvMap zero = line(2, 2, 1, 1, 1);
  zero.weight.assign(4, 0.0);
  REQUIRE_FALSE(inputShift(zero).has_value());
}

TEST_CASE("What does not fit is an error", "[recipes][ConvMap]") {
  REQUIRE_THROWS_AS(compose(line(1, 2, 1, 1, 1), line(3, 1, 1, 1, 1)), std::invalid_argument);
  REQUIRE_THROWS_AS(compose(identityMap(2, 1).shape, identityMap(2, 2).shape), std::invalid_argument);
}

TEST_CASE("A map without axes is a matrix", "[recipes][ConvMap]") {
  const ConvMap a{{{}, {}, {}, {}, {}, 2, 2, 1, true}, {1, 2, 3, 4}, {1, 1}};
  const ConvMap both = compose(a, a);
  REQUIRE(both.weight == std::vector<double>{7, 10, 15, 22});
  REQUIRE(both.bias == std::vector<double>{4, 8});
  REQUIRE(both.shape.macs(2.0) == 4.0);
  REQUIRE(both.shape.parameters() == 6.0);
}
