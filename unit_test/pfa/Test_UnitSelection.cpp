#include "aidge/pfa/UnitSelection.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "catch.hpp"

using namespace Aidge::pfa;
using Catch::Matchers::ContainsSubstring;
using Order = std::vector<std::size_t>;

namespace {

/// Unit variances and these correlations, row by row above the diagonal.
std::vector<double> correlations(std::size_t n, const std::vector<double>& above) {
  std::vector<double> matrix(n * n, 1.0);
  auto next = above.begin();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j) matrix[i * n + j] = matrix[j * n + i] = *next++;
  }
  return matrix;
}

constexpr UnitStrategy kAll[] = {UnitStrategy::AbsMax, UnitStrategy::AbsMin, UnitStrategy::L1Max, UnitStrategy::L1Min,
                                 UnitStrategy::Random};

}  // namespace

TEST_CASE("Three units go as by hand", "[UnitSelection]") {
  // |A|: 01 0.9, 02 0.5, 12 0.3. Sums: 1.4, 1.2, 0.8.
  const std::vector<double> matrix = correlations(3, {-0.9, 0.5, 0.3});
  REQUIRE(removalOrder(matrix, 3, UnitStrategy::L1Max) == Order{0, 1});
  REQUIRE(removalOrder(matrix, 3, UnitStrategy::L1Min) == Order{2, 0});
  REQUIRE(removalOrder(matrix, 3, UnitStrategy::AbsMax) == Order{0, 1});  // the pair 0, 1: 0 has the larger next one
  REQUIRE(removalOrder(matrix, 3, UnitStrategy::AbsMin) == Order{2, 0});  // the pair 1, 2: 2 has the smaller next one
}

TEST_CASE("Among equal sums DNIKit takes any unit of the extreme correlation, the documentation a tied one", "[UnitSelection]") {
  // Sums: 0: 0.7, 1: 0.8, 2: 0.9, 3: 0.9 and 4: 0.9; the largest correlation of a tied unit is 2 with 0.
  const std::vector<double> matrix = correlations(5, {0.0, 0.7, 0.0, 0.0, 0.2, 0.4, 0.2, 0.0, 0.0, 0.5});
  std::vector<double> sums(5, -1.0);
  for (std::size_t i = 0; i < 25; ++i) sums[i / 5] += matrix[i];
  REQUIRE(std::count_if(sums.begin(), sums.end(), [](double s) { return std::fabs(s - 0.9) < 1e-12; }) == 2);
  REQUIRE(removalOrder(matrix, 5, UnitStrategy::L1Max)[0] == 0);
  REQUIRE(removalOrder(matrix, 5, UnitStrategy::L1Max, {.tieRule = TieRule::Documented})[0] == 2);
}

TEST_CASE("Inactive units go first, by index, and the last active unit never", "[UnitSelection]") {
  std::vector<double> matrix = correlations(5, std::vector<double>(10, 0.5));
  for (const std::size_t dead : {1U, 4U}) {
    for (std::size_t i = 0; i < 5; ++i) matrix[dead * 5 + i] = matrix[i * 5 + dead] = 0.0;
  }
  REQUIRE(inactiveUnits(matrix, 5) == Order{1, 4});
  for (const UnitStrategy strategy : kAll) {
    const Order order = removalOrder(matrix, 5, strategy);
    REQUIRE(order.size() == 4);
    REQUIRE(Order(order.begin(), order.begin() + 2) == Order{1, 4});
  }
  matrix[1 * 5 + 1] = 1e-8;
  REQUIRE(inactiveUnits(matrix, 5) == Order{4});  // strictly below
  REQUIRE(inactiveUnits(matrix, 5, 2e-8) == Order{1, 4});
}

TEST_CASE("A layer without variance has no inactive units and a full order", "[UnitSelection]") {
  const std::vector<double> zeros(16, 0.0);
  REQUIRE(inactiveUnits(zeros, 4).empty());
  for (const UnitStrategy strategy : kAll) {
    Order order = removalOrder(zeros, 4, strategy);
    REQUIRE(order.size() == 3);
    std::sort(order.begin(), order.end());
    REQUIRE(std::unique(order.begin(), order.end()) == order.end());
  }
  REQUIRE(removalOrder(zeros, 4, UnitStrategy::L1Max) == Order{0, 1, 2});
  REQUIRE(removalOrder({std::vector<double>{0.0}}, 1, UnitStrategy::AbsMax).empty());
}

TEST_CASE("Units that are all the same go by index", "[UnitSelection]") {
  const std::vector<double> ones(64, 2.0);
  Order expected(7);
  std::iota(expected.begin(), expected.end(), 0);
  for (const UnitStrategy strategy : {UnitStrategy::AbsMax, UnitStrategy::AbsMin, UnitStrategy::L1Max, UnitStrategy::L1Min}) {
    REQUIRE(removalOrder(ones, 8, strategy) == expected);
  }
}

TEST_CASE("A random order follows from its seed alone", "[UnitSelection]") {
  const std::vector<double> matrix = correlations(6, std::vector<double>(15, 0.1));
  const Order order = removalOrder(matrix, 6, UnitStrategy::Random, {.seed = 7});
  REQUIRE(order == removalOrder(std::vector<double>(36, 3.0), 6, UnitStrategy::Random, {.seed = 7}));
  bool differs = false;
  for (std::uint64_t seed = 0; seed < 5; ++seed) differs |= order != removalOrder(matrix, 6, UnitStrategy::Random, {.seed = seed});
  REQUIRE(differs);
}

TEST_CASE("What is no covariance is refused", "[UnitSelection]") {
  REQUIRE_THROWS_WITH(removalOrder(std::vector<double>(5), 2, UnitStrategy::L1Max), ContainsSubstring("5 elements for 2 units"));
  REQUIRE_THROWS_WITH(removalOrder({}, 0, UnitStrategy::L1Max), ContainsSubstring("at least one unit"));
  REQUIRE_THROWS_WITH(removalOrder(std::vector<double>{std::nan("")}, 1, UnitStrategy::L1Max), ContainsSubstring("finite covariance"));
  REQUIRE_THROWS_WITH(inactiveUnits(std::vector<double>{1.0}, 1, -1.0), ContainsSubstring("epsilon_inactive >= 0"));
}
