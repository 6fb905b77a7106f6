#include "aidge/statistics/Covariance.hpp"

#include <cmath>
#include <limits>
#include <random>
#include <span>
#include <vector>

#include "aidge/statistics/Eigenvalues.hpp"
#include "catch.hpp"

using Aidge::statistics::Covariance;
using Aidge::statistics::eigenvalues;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr double kExact = 1e-12;
constexpr double kCancelled = 1e-8;

std::vector<double> randomRows(std::size_t rows, std::size_t units, unsigned seed, double offset = 0.0) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(offset, 1.0);
  std::vector<double> values(rows * units);
  for (double& value : values) value = normal(random);
  return values;
}

/// The textbook's two passes.
std::vector<double> twoPasses(const std::vector<double>& rows, std::size_t units) {
  const std::size_t n = rows.size() / units;
  std::vector<double> mean(units, 0.0);
  for (std::size_t i = 0; i < rows.size(); ++i) mean[i % units] += rows[i] / static_cast<double>(n);
  std::vector<double> result(units * units, 0.0);
  for (std::size_t r = 0; r < n; ++r) {
    for (std::size_t i = 0; i < units; ++i) {
      for (std::size_t j = 0; j < units; ++j) {
        result[i * units + j] += (rows[r * units + i] - mean[i]) * (rows[r * units + j] - mean[j]) / static_cast<double>(n - 1);
      }
    }
  }
  return result;
}

double worst(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double difference = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) difference = std::max(difference, std::fabs(a[i] - b[i]));
  return difference;
}

}  // namespace

TEST_CASE("The covariance of three points is the one computed by hand", "[Covariance]") {
  Covariance covariance;
  covariance.add(std::vector<double>{1.0, 2.0, 3.0, 6.0, 5.0, 4.0}, 2);
  REQUIRE(covariance.samples() == 3);
  REQUIRE(worst(covariance.mean(), {3.0, 4.0}) < kExact);
  REQUIRE(worst(covariance.matrix(), {4.0, 2.0, 2.0, 4.0}) < kExact);
  REQUIRE(worst(covariance.scatter(), {8.0, 4.0, 8.0}) < kExact);
}

TEST_CASE("Any number of units and rows gives what two passes give", "[Covariance]") {
  const auto [rows, units] = GENERATE(table<std::size_t, std::size_t>({{2, 1}, {63, 5}, {64, 96}, {65, 97}, {200, 193}, {130, 300}}));
  const std::vector<double> values = randomRows(rows, units, 1);
  Covariance covariance(units);
  covariance.add(values, units);
  REQUIRE(worst(covariance.matrix(), twoPasses(values, units)) < kExact);
}

TEST_CASE("How rows are cut into calls does not change a bit", "[Covariance]") {
  constexpr std::size_t kUnits = 11;
  const std::vector<double> values = randomRows(151, kUnits, 2);
  Covariance whole;
  whole.add(values, kUnits);
  for (const std::size_t batch : {1U, 7U, 64U, 100U}) {
    Covariance parts;
    for (std::size_t begin = 0; begin < 151; begin += batch) {
      const std::size_t count = std::min(batch, 151 - begin);
      parts.add(std::span(values).subspan(begin * kUnits, count * kUnits), kUnits);
    }
    REQUIRE(parts.matrix() == whole.matrix());
    REQUIRE(parts.mean() == whole.mean());
  }
}

TEST_CASE("Looking at an accumulator does not change what follows", "[Covariance]") {
  const std::vector<double> values = randomRows(90, 3, 3);
  Covariance looked;
  Covariance plain;
  for (std::size_t r = 0; r < 90; ++r) {
    looked.add(std::span(values).subspan(r * 3, 3), 3);
    plain.add(std::span(values).subspan(r * 3, 3), 3);
    if (r > 0) static_cast<void>(looked.matrix());
  }
  REQUIRE(looked.matrix() == plain.matrix());
}

TEST_CASE("Merged accumulators equal one over all rows", "[Covariance]") {
  constexpr std::size_t kUnits = 130;
  const std::vector<double> values = randomRows(300, kUnits, 4, 3.0);
  Covariance whole;
  whole.add(values, kUnits);
  for (const std::size_t cut : {1U, 64U, 150U, 299U}) {
    Covariance first;
    Covariance second;
    first.add(std::span(values).first(cut * kUnits), kUnits);
    second.add(std::span(values).subspan(cut * kUnits), kUnits);
    first.merge(second);
    REQUIRE(first.samples() == 300);
    REQUIRE(worst(first.matrix(), whole.matrix()) < kExact);
  }
  Covariance empty;
  empty.merge(whole);
  empty.merge(Covariance());
  REQUIRE(empty.matrix() == whole.matrix());
}

TEST_CASE("A large common offset does not cancel the covariance away", "[Covariance]") {
  const std::vector<double> values = randomRows(500, 4, 5, 1e6);
  Covariance covariance;
  covariance.add(values, 4);
  REQUIRE(worst(covariance.matrix(), twoPasses(values, 4)) < kCancelled);
}

TEST_CASE("Floats are widened before they are multiplied", "[Covariance]") {
  const std::vector<float> floats{1e4F + 0.125F, 1e4F, 1e4F - 0.125F};
  Covariance covariance;
  covariance.add(floats, 1);
  REQUIRE(covariance.matrix()[0] == 0.015625);
}

TEST_CASE("A covariance comes back from its parts", "[Covariance]") {
  const std::vector<double> values = randomRows(70, 100, 6);
  Covariance covariance;
  covariance.add(values, 100);
  const Covariance back(covariance.samples(), covariance.mean(), covariance.scatter());
  REQUIRE(back.matrix() == covariance.matrix());
  REQUIRE_THROWS_WITH(Covariance(3, std::vector<double>(2), std::vector<double>(4)),
                      ContainsSubstring("expected 3 elements of the scatter"));
  REQUIRE(Covariance(0, {}, {}).units() == 0);
}

TEST_CASE("Wrong rows are refused and nothing is taken", "[Covariance]") {
  Covariance covariance;
  covariance.add(std::vector<double>{1.0, 2.0, 3.0, 4.0}, 2);
  const std::vector<double> before = covariance.matrix();
  REQUIRE_THROWS_WITH(covariance.add(std::vector<double>(6), 3), ContainsSubstring("expected rows of 2 units, got 3"));
  REQUIRE_THROWS_WITH(covariance.add(std::vector<double>(3), 2), ContainsSubstring("expected whole rows of 2 values"));
  const std::vector<double> poisoned{0.0, 0.0, 0.0, std::nan("")};
  REQUIRE_THROWS_WITH(covariance.add(poisoned, 2), ContainsSubstring("NaN or infinity in samples 2 to 3"));
  REQUIRE_THROWS_WITH(covariance.add(std::vector<float>{0.0F, INFINITY}, 2), ContainsSubstring("samples 2 to 2"));
  REQUIRE_THROWS_WITH(covariance.merge(Covariance(3, std::vector<double>(3), std::vector<double>(6))),
                      ContainsSubstring("expected 2 units, got 3"));
  REQUIRE(covariance.samples() == 2);
  REQUIRE(covariance.matrix() == before);
}

TEST_CASE("One sample, or an overflow, has no covariance", "[Covariance]") {
  Covariance covariance;
  covariance.add(std::vector<double>{1e200}, 1);
  REQUIRE_THROWS_WITH(covariance.matrix(), ContainsSubstring("expected at least 2 samples, got 1"));
  covariance.add(std::vector<double>{-1e200}, 1);
  REQUIRE_THROWS_WITH(covariance.matrix(), ContainsSubstring("squares are finite"));
}

TEST_CASE("Eigenvalues are descending and never negative", "[Eigenvalues]") {
  REQUIRE(worst(eigenvalues({2.0, 1.0, 1.0, 2.0}, 2), {3.0, 1.0}) < kExact);
  REQUIRE(eigenvalues({4.0}, 1) == std::vector<double>{4.0});
  REQUIRE(eigenvalues({}, 0).empty());
  const std::vector<double> singular = eigenvalues(std::vector<double>(49, 1.0), 7);
  REQUIRE(std::fabs(singular[0] - 7.0) < kExact);
  for (std::size_t i = 1; i < 7; ++i) {
    REQUIRE(singular[i] >= 0.0);
    REQUIRE(singular[i] < kExact);
  }
}

TEST_CASE("The trace is the sum of the eigenvalues", "[Eigenvalues]") {
  constexpr std::size_t kUnits = 150;
  Covariance covariance;
  covariance.add(randomRows(400, kUnits, 7), kUnits);
  const std::vector<double> matrix = covariance.matrix();
  double trace = 0.0;
  for (std::size_t i = 0; i < kUnits; ++i) trace += matrix[i * kUnits + i];
  for (const double value : eigenvalues(matrix, kUnits)) trace -= value;
  REQUIRE(std::fabs(trace) < kUnits * kExact);
}

TEST_CASE("A matrix of another size or with a NaN has no eigenvalues", "[Eigenvalues]") {
  REQUIRE_THROWS_WITH(eigenvalues(std::vector<double>(3), 2), ContainsSubstring("expected 2 x 2 elements, got 3"));
  REQUIRE_THROWS_WITH(eigenvalues({1.0, std::nan(""), std::nan(""), 1.0}, 2), ContainsSubstring("expected finite elements"));
}
