// float16 and bfloat16 against tables of their values, which are made from the definition of the formats: sign, exponent, fraction.
#include "aidge/core/Half.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "catch.hpp"

using namespace Aidge;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::uint32_t kPatterns = 0x10000;

template <typename T> T ofPattern(std::uint32_t pattern) { return std::bit_cast<T>(static_cast<std::uint16_t>(pattern)); }
template <typename T> std::uint32_t patternOf(T value) { return std::bit_cast<std::uint16_t>(value); }

/// A format of 16 bits: 1 for the sign, then the exponent, then the fraction.
template <typename T> struct Format;
template <> struct Format<Half> { static constexpr int kFractionBits = 10, kBias = 15; };
template <> struct Format<BFloat16> { static constexpr int kFractionBits = 7, kBias = 127; };

/// The pattern of positive infinity; those above it up to 0x7fff are NaN.
template <typename T> constexpr std::uint32_t infinityPattern() { return 0x7fffU >> Format<T>::kFractionBits << Format<T>::kFractionBits; }

/// The values of the patterns from 0 to infinity's, which are increasing. Infinity's is the power of two that would come next.
template <typename T> std::vector<double> positiveValues() {
  constexpr std::uint32_t kOne = 1U << Format<T>::kFractionBits;
  std::vector<double> values;
  for (std::uint32_t pattern = 0; pattern <= infinityPattern<T>(); ++pattern) {
    const std::uint32_t exponent = pattern / kOne;
    const std::uint32_t fraction = pattern % kOne + (exponent == 0 ? 0 : kOne);
    const int power = std::max(static_cast<int>(exponent), 1) - Format<T>::kBias - Format<T>::kFractionBits;
    values.push_back(std::ldexp(static_cast<double>(fraction), power));
  }
  return values;
}

/// The pattern whose value is nearest to `value`; of two equally near ones the even one. `values`: positiveValues<T>().
std::uint32_t nearestPattern(float value, const std::vector<double>& values) {
  const std::uint32_t sign = std::signbit(value) ? 0x8000U : 0U;
  const double magnitude = std::fabs(static_cast<double>(value));
  if (magnitude >= values.back()) return sign | static_cast<std::uint32_t>(values.size() - 1);
  const auto above = std::upper_bound(values.begin(), values.end(), magnitude);
  const auto upper = static_cast<std::uint32_t>(above - values.begin());
  const double toUpper = *above - magnitude;
  const double toLower = magnitude - *(above - 1);
  const bool takesUpper = toUpper < toLower || (toUpper == toLower && upper % 2 == 0);
  return sign | (takesUpper ? upper : upper - 1);
}

/// Every value of the format, every midpoint between neighbours, the floats right above and below each, and random patterns of a float.
template <typename T> std::vector<float> floatsToRound() {
  std::vector<float> floats;
  const std::vector<double> values = positiveValues<T>();
  const auto addWithNeighbours = [&](double value) {
    const auto middle = static_cast<float>(value);  // exact, but for 2^128, which is infinity
    for (const float near : {std::nextafter(middle, 0.0F), middle, std::nextafter(middle, kInfinity)}) {
      floats.push_back(near);
      floats.push_back(-near);
    }
  };
  for (std::size_t i = 0; i + 1 < values.size(); ++i) {
    addWithNeighbours(values[i]);
    addWithNeighbours((values[i] + values[i + 1]) / 2);
  }
  addWithNeighbours(values.back());
  std::mt19937 random(1);
  while (floats.size() < 1'000'000) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (!std::isnan(value)) floats.push_back(value);
  }
  return floats;
}

}  // namespace

TEMPLATE_TEST_CASE("Every 16-bit pattern is read as what the format defines", "[Half]", Half, BFloat16) {
  const std::vector<double> values = positiveValues<TestType>();
  std::uint32_t wrong = 0;
  for (std::uint32_t pattern = 0; pattern < kPatterns; ++pattern) {
    const float value = ofPattern<TestType>(pattern);
    const std::uint32_t magnitude = pattern & 0x7fffU;
    if (std::signbit(value) != (pattern >= 0x8000U)) ++wrong;
    if (magnitude < infinityPattern<TestType>()) {
      wrong += std::fabs(static_cast<double>(value)) != values[magnitude];
    } else {
      wrong += magnitude == infinityPattern<TestType>() ? !std::isinf(value) : !std::isnan(value);
    }
  }
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("Every 16-bit pattern comes back from float, NaN as a NaN of the same sign", "[Half]", Half, BFloat16) {
  std::uint32_t wrong = 0;
  for (std::uint32_t pattern = 0; pattern < kPatterns; ++pattern) {
    const std::uint32_t back = patternOf(TestType(static_cast<float>(ofPattern<TestType>(pattern))));
    const bool isNan = (pattern & 0x7fffU) > infinityPattern<TestType>();
    if (isNan) {
      wrong += (back & 0x7fffU) <= infinityPattern<TestType>() || (back & 0x8000U) != (pattern & 0x8000U);
    } else {
      wrong += back != pattern;
    }
  }
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("A float is rounded to the nearest value, ties to even, beyond the largest to infinity", "[Half]", Half, BFloat16) {
  const std::vector<double> values = positiveValues<TestType>();
  std::uint32_t wrong = 0;
  for (const float value : floatsToRound<TestType>()) wrong += patternOf(TestType(value)) != nearestPattern(value, values);
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("Any NaN stays NaN, whichever of its bits are set", "[Half]", Half, BFloat16) {
  for (std::uint32_t fraction = 1; fraction < 1U << 23; fraction <<= 1) {
    for (const std::uint32_t sign : {0U, 0x80000000U}) {
      const float back = TestType(std::bit_cast<float>(sign | 0x7f800000U | fraction));
      CHECK(std::isnan(back));
      CHECK(std::signbit(back) == (sign != 0));
    }
  }
}

TEST_CASE("The limits of float16 and bfloat16 are those of the formats", "[Half]") {
  CHECK(patternOf(Half(65504.0F)) == 0x7bff);
  CHECK(patternOf(Half(std::nextafter(65520.0F, 0.0F))) == 0x7bff);
  CHECK(patternOf(Half(65520.0F)) == 0x7c00);
  CHECK(patternOf(Half(0x1p-24F)) == 1);  // the smallest subnormal
  CHECK(patternOf(Half(0x1p-25F)) == 0);  // halfway to it: even is zero
  CHECK(patternOf(Half(-0x1p-25F)) == 0x8000);
  CHECK(patternOf(Half(0x1.8p-25F)) == 1);
  CHECK(patternOf(BFloat16(std::numeric_limits<float>::max())) == 0x7f80);
  CHECK(patternOf(BFloat16(0x1p-133F)) == 1);
  CHECK(patternOf(BFloat16(std::numeric_limits<float>::denorm_min())) == 0);
}
