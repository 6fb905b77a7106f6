#include "aidge/statistics/SignBalance.hpp"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "catch.hpp"

using Aidge::statistics::SignBalance;
using Catch::Approx;

namespace {

constexpr double kEps = std::numeric_limits<double>::epsilon();
constexpr double kTolerance = 1e-12;

std::vector<float> randomValues(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.1F, 1.0F);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

}  // namespace

TEST_CASE("Magnitudes are summed on their side of zero, and zero counts as positive", "[SignBalance]") {
  SignBalance balance;
  for (const double value : {-1.0, -0.5, 2.0, 0.0, -0.0}) balance.add(value);
  REQUIRE(balance.neg == 1.5);
  REQUIRE(balance.pos == 2.0);
  REQUIRE(balance.value() == Approx((1.5 + kEps) / (2.0 + kEps)).epsilon(kTolerance));
}

TEST_CASE("A balance that has seen nothing, or only zeros, is 1", "[SignBalance]") {
  REQUIRE(SignBalance{}.value() == 1.0);
  SignBalance zeros;
  zeros.add(0.0);
  REQUIRE(zeros.value() == 1.0);
}

TEST_CASE("A balance without positive values is large and finite", "[SignBalance]") {
  SignBalance balance;
  balance.add(-2.0);
  REQUIRE(balance.value() == Approx(2.0 / kEps).epsilon(kTolerance));
  REQUIRE(std::isfinite(balance.value()));
}

TEST_CASE("What lies above the upper bound counts on both sides", "[SignBalance]") {
  SignBalance balance;
  for (const double value : {-1.0, 3.0, 8.0}) balance.add(value, 6.0);
  REQUIRE(balance.neg == 3.0);
  REQUIRE(balance.pos == 11.0);
}

TEST_CASE("Adding many values at once is adding them one by one", "[SignBalance]") {
  const auto values = randomValues(1000, 1);
  SignBalance one;
  for (const float value : values) one.add(static_cast<double>(value), 1.5);
  SignBalance all;
  all.add(std::span<const float>(values), 1.5);
  REQUIRE(all.neg == Approx(one.neg).epsilon(kTolerance));
  REQUIRE(all.pos == Approx(one.pos).epsilon(kTolerance));
  const std::vector<double> doubles(values.begin(), values.end());
  SignBalance wide;
  wide.add(std::span<const double>(doubles), 1.5);
  REQUIRE(wide.neg == Approx(one.neg).epsilon(kTolerance));
}

TEST_CASE("Merging parts gives the whole", "[SignBalance]") {
  const auto values = randomValues(100, 2);
  SignBalance whole;
  whole.add(std::span<const float>(values));
  SignBalance first;
  first.add(std::span<const float>(values).first(30));
  SignBalance second;
  second.add(std::span<const float>(values).subspan(30));
  first.merge(second);
  REQUIRE(first.neg == Approx(whole.neg).epsilon(kTolerance));
  REQUIRE(first.pos == Approx(whole.pos).epsilon(kTolerance));
}

TEST_CASE("NaN and infinities make a balance not finite, whichever side they are on", "[SignBalance]") {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), infinity, -infinity}) {
    SignBalance balance;
    balance.add(1.0);
    REQUIRE(balance.isFinite());
    balance.add(bad);
    REQUIRE_FALSE(balance.isFinite());
  }
}
