#include <cmath>
#include <limits>
#include <vector>

#include "aidge/statistics/ChannelRegression.hpp"
#include "aidge/statistics/RidgeRegression.hpp"
#include "aidge/statistics/UnitElimination.hpp"
#include "catch.hpp"

using namespace Aidge::statistics;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr double kExact = 1e-12;

/// Rows [z, y] with y = 2 z + 1.
Covariance line(std::initializer_list<double> zs) {
  Covariance moments;
  for (const double z : zs) moments.add(std::vector<double>{z, 2.0 * z + 1.0}, 2);
  return moments;
}

}  // namespace

TEST_CASE("A ridge shrinks the slope by one over one plus its strength, and the intercept follows") {
  const LinearPrediction found = ridgeRegression(line({0.0, 1.0, 2.0, 3.0}), 1, 1.0);
  CHECK(std::abs(found.coefficients[0] - 1.0) < kExact);
  CHECK(std::abs(found.intercept[0] - (4.0 - 1.5)) < kExact);
}

TEST_CASE("The error of a regression is counted from the moments alone") {
  const Covariance moments = line({0.0, 1.0, 2.0, 3.0});
  CHECK(std::abs(meanSquare(moments, 1) - (1.0 + 9.0 + 25.0 + 49.0) / 4.0) < kExact);
  CHECK(std::abs(meanSquaredError(moments, 1, {{2.0}, {0.0}}) - 1.0) < kExact);
  CHECK(std::abs(meanSquaredError(moments, 1, {{1.0}, {1.0}}) - (0.0 + 1.0 + 4.0 + 9.0) / 4.0) < kExact);
}

TEST_CASE("Features that never vary leave the intercept alone") {
  Covariance moments;
  for (const double y : {1.0, 3.0}) moments.add(std::vector<double>{5.0, y}, 2);
  const LinearPrediction found = ridgeRegression(moments, 1, 1e-3);
  CHECK(found.coefficients[0] == 0.0);
  CHECK(found.intercept[0] == 2.0);
}

TEST_CASE("Without rows to judge on nothing is chosen") {
  const HeldOutRidge found = heldOutRidge(line({1.0, 2.0}), Covariance(2), 1, std::vector<double>{1e-3});
  CHECK_FALSE(found.ridge.has_value());
  CHECK(found.prediction.coefficients.empty());
}

TEST_CASE("Regressions that cannot be are errors") {
  CHECK_THROWS_WITH(ridgeRegression(Covariance(2), 1, 1.0), ContainsSubstring("at least 1 sample"));
  CHECK_THROWS_WITH(ridgeRegression(line({1.0}), 3, 1.0), ContainsSubstring("at most 2 unknowns"));
  CHECK_THROWS_WITH(heldOutRidge(line({1.0}), line({1.0}), 1, std::vector<double>{}), ContainsSubstring("at least one strength"));
  CHECK_THROWS_WITH(meanSquaredError(line({1.0}), 1, {{}, {}}), ContainsSubstring("1 coefficients"));
}

TEST_CASE("Of two equal units the first goes, at no loss, and the other takes over its weight") {
  const LinearUse use{{1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0}, {1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0}, 1.0};
  const Elimination found = eliminateUnits(std::span(&use, 1), 3, 1e-9);
  CHECK(found.order[0] == 0);
  CHECK(found.loss[0] < 1e-8);
  // Left are (w1 + w2) x with energy |w1|² + |w2|² = 2, and w3 x3 with energy 1: of 3.
  CHECK(found.order[1] == 2);
  CHECK(std::abs(found.loss[1] - 1.0 / 3.0) < 1e-6);
}

TEST_CASE("One unit is eliminated with all there is") {
  const LinearUse use{{4.0}, {9.0}, 1.0};
  const Elimination found = eliminateUnits(std::span(&use, 1), 1);
  CHECK(found.order == std::vector<std::size_t>{0});
  CHECK(std::abs(found.loss[0] - 1.0) < kExact);
}

TEST_CASE("A channel's regression is that of its values, however they are cut") {
  ChannelRegression whole(2);
  ChannelRegression first(2);
  ChannelRegression second(2);
  const std::vector<float> x{-2.0F, -1.0F, 1.0F, 2.0F};
  const std::vector<float> y{0.0F, 0.0F, 1.0F, 2.0F};
  const std::span<const float> xs(x);
  const std::span<const float> ys(y);
  whole.add(0, xs, ys);
  first.add(0, xs.subspan(0, 1), ys.subspan(0, 1));
  second.add(0, xs.subspan(1), ys.subspan(1));
  first.merge(second);
  for (const ChannelRegression* fit : {&whole, &first}) {
    CHECK(std::abs(fit->slope()[0] - 0.5) < kExact);
    CHECK(std::abs(fit->offset()[0] - 0.75) < kExact);
    CHECK(std::abs(fit->residual() - (11.0 - 10.0) / 11.0) < 0.2);
    CHECK(fit->slope()[1] == 0.0);
  }
  CHECK(std::abs(whole.residual() - first.residual()) < kExact);
}

TEST_CASE("Channel regressions check what they get") {
  ChannelRegression fit(1);
  const std::vector<float> one{1.0F};
  const std::vector<float> bad{std::numeric_limits<float>::quiet_NaN()};
  CHECK_THROWS_WITH(ChannelRegression(0), ContainsSubstring("at least one channel"));
  CHECK_THROWS_WITH(fit.add(1, one, one), ContainsSubstring("a channel below 1"));
  CHECK_THROWS_WITH(fit.add(0, one, {}), ContainsSubstring("1 values of y"));
  CHECK_THROWS_WITH(fit.add(0, one, bad), ContainsSubstring("finite values"));
  CHECK_THROWS_WITH(fit.merge(ChannelRegression(2)), ContainsSubstring("1 channels"));
}

TEST_CASE("Matching gives x the mean and the variance of y, and its error is that of every value") {
  ChannelRegression moments(2);
  const std::vector<float> x{1.0F, 2.0F, 4.0F, 5.0F};
  const std::vector<float> y{3.0F, -1.0F, 6.0F, 2.0F};
  const std::vector<float> still{7.0F, 7.0F};
  const std::vector<float> moving{1.0F, 3.0F};
  moments.add(0, x, y);
  moments.add(1, still, moving);
  const ChannelRegression::Maps maps = moments.matching();
  double mean = 0.0;
  double square = 0.0;
  double error = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double value = maps.slope[0] * x[i] + maps.offset[0];
    mean += value / 4.0;
    square += value * value / 4.0;
    error += (y[i] - value) * (y[i] - value) / 4.0;
  }
  CHECK(std::abs(mean - 2.5) < kExact);
  CHECK(std::abs(square - mean * mean - 6.25) < kExact);
  CHECK(maps.slope[1] == 1.0);
  CHECK(maps.offset[1] == -5.0);
  CHECK(std::abs(moments.meanSquaredError(maps) - error - 1.0) < kExact);
  CHECK(std::abs(moments.variance() - 6.25 - 1.0) < kExact);
  CHECK_THROWS_WITH(moments.meanSquaredError({{1.0}, {0.0}}), ContainsSubstring("2 maps"));
}

namespace {

/// Rows [z, y] with y = 2 z + shift.
Covariance shifted(std::initializer_list<double> zs, double shift) {
  Covariance moments;
  for (const double z : zs) moments.add(std::vector<double>{z, 2.0 * z + shift}, 2);
  return moments;
}

}  // namespace

TEST_CASE("Sets of rows share their coefficients and have intercepts of their own") {
  const std::vector<RidgeRows> sets{{shifted({0.0, 1.0, 4.0}, 3.0), shifted({2.0}, 3.0), true},
                                    {shifted({10.0, 11.0}, -5.0), shifted({9.0, 12.0}, -5.0), true}};
  const std::vector<double> ridges{1e-12};
  const TiedRidge found = tiedRidge(sets, 1, ridges);
  REQUIRE(found.ridge.has_value());
  CHECK(std::abs(found.coefficients[0] - 2.0) < 1e-9);
  CHECK(std::abs(found.intercepts[0][0] - 3.0) < 1e-8);
  CHECK(std::abs(found.intercepts[1][0] + 5.0) < 1e-8);
  CHECK(std::abs(found.errorBefore - (7.0 * 7.0 + 13.0 * 13.0 + 19.0 * 19.0) / 3.0) < 1e-9);
  CHECK(found.errorAfter < 1e-12);
}

TEST_CASE("A set without an intercept is fitted through the origin") {
  const std::vector<RidgeRows> sets{{shifted({1.0, 2.0}, 1.0), shifted({3.0}, 1.0), false}};
  const std::vector<double> ridges{1e-12};
  const TiedRidge found = tiedRidge(sets, 1, ridges);
  REQUIRE(found.ridge.has_value());
  CHECK(std::abs(found.coefficients[0] - (3.0 + 10.0 + 21.0) / 14.0) < 1e-9);
  CHECK(found.intercepts[0][0] == 0.0);
}

TEST_CASE("One set is the regression that it would be alone, and none is an error") {
  const std::vector<RidgeRows> sets{{shifted({0.0, 1.0, 3.0}, 1.0), shifted({2.0, 5.0}, 1.0), true}};
  const std::vector<double> ridges{0.1, 1.0};
  const TiedRidge found = tiedRidge(sets, 1, ridges);
  const HeldOutRidge single = heldOutRidge(sets[0].fit, sets[0].held, 1, ridges);
  CHECK(found.ridge == single.ridge);
  CHECK(found.coefficients == single.prediction.coefficients);
  CHECK(found.intercepts[0] == single.prediction.intercept);
  CHECK_THROWS_WITH(tiedRidge({}, 1, ridges), ContainsSubstring("at least one set"));
}
