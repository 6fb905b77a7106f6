#include "aidge/fibnlr/Nnpr.hpp"

#include <limits>
#include <stdexcept>

#include "Graphs.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::fibnlr;
using namespace Aidge::fibnlr::test;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;
using Normalization = NormalizationMethod;

namespace {

constexpr double kTolerance = 1e-12;

std::vector<double> normalized(const std::vector<double>& values, const std::vector<std::uint64_t>& ids, Normalization normalization,
                               Method method = Method::Strict) {
  std::vector<NPR> ratios;
  for (const double value : values) ratios.push_back(ratio(value));
  std::vector<Group> groups;
  for (const std::uint64_t id : ids) groups.push_back({id});
  return normalize(ratios, groups, normalization, method);
}

void requireClose(const std::vector<double>& got, const std::vector<double>& wanted) {
  REQUIRE(got.size() == wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) REQUIRE(got[i] == Approx(wanted[i]).epsilon(kTolerance));
}

}  // namespace

TEST_CASE("Each normalisation follows its formula within each group", "[fibnlr][Nnpr]") {
  const std::vector<double> values{0.1, 0.3, 0.6, 2.0, 4.0};
  const std::vector<std::uint64_t> groups{1, 1, 1, 2, 2};
  requireClose(normalized(values, groups, Normalization::None), values);
  requireClose(normalized(values, groups, Normalization::MinMax), {0.0, 0.4, 1.0, 0.0, 1.0});
  requireClose(normalized(values, groups, Normalization::Sum), {0.1, 0.3, 0.6, 1.0 / 3.0, 2.0 / 3.0});
  requireClose(normalized(values, groups, Normalization::Average), {0.3, 0.9, 1.8, 2.0 / 3.0, 4.0 / 3.0});
}

TEST_CASE("A group of one keeps its value when loose, and is 1 when strict", "[fibnlr][Nnpr]") {
  for (const auto normalization : {Normalization::MinMax, Normalization::Sum, Normalization::Average}) {
    REQUIRE(normalized({0.2, 0.4, 0.6}, {1, 2, 2}, normalization, Method::Loose).front() == Approx(0.2).epsilon(kTolerance));
    REQUIRE(normalized({0.2, 0.4, 0.6}, {1, 2, 2}, normalization, Method::Strict).front() == Approx(1.0).epsilon(kTolerance));
  }
  REQUIRE(normalized({0.2}, {1}, Normalization::None, Method::Strict).front() == Approx(0.2));
}

TEST_CASE("Loose leaves larger groups alone", "[fibnlr][Nnpr]") {
  const std::vector<double> values{0.1, 0.3, 0.6};
  REQUIRE(normalized(values, {0, 0, 0}, Normalization::Sum, Method::Loose) ==
          normalized(values, {0, 0, 0}, Normalization::Sum, Method::Strict));
}

TEST_CASE("MinMax without spread is 1 for the whole group", "[fibnlr][Nnpr]") {
  requireClose(normalized({0.5, 0.5, 0.5}, {1, 1, 1}, Normalization::MinMax), {1.0, 1.0, 1.0});
  requireClose(normalized({0.5, 0.5}, {1, 1}, Normalization::MinMax, Method::Loose), {1.0, 1.0});
}

TEST_CASE("A group in which nothing was negative shares equally", "[fibnlr][Nnpr]") {
  const std::vector<NPR> ratios{NPR{{0.0, 5.0}}, NPR{{0.0, 1.0}}, NPR{{0.0, 300.0}}, NPR{{0.0, 2.0}}};
  const std::vector<Group> groups(4);
  requireClose(normalize(ratios, groups, Normalization::Sum, Method::Strict), {0.25, 0.25, 0.25, 0.25});
  requireClose(normalize(ratios, groups, Normalization::Average, Method::Strict), {1.0, 1.0, 1.0, 1.0});
}

TEST_CASE("Shares of a group add up to 1 and ranks span 0 to 1", "[fibnlr][Nnpr]") {
  const std::vector<double> values{0.37, 1.9, 0.003, 12.0, 0.8};
  double sum = 0.0;
  for (const double value : normalized(values, {0, 0, 0, 0, 0}, Normalization::Sum)) sum += value;
  REQUIRE(sum == Approx(1.0).epsilon(kTolerance));
  const auto ranks = normalized(values, {0, 0, 0, 0, 0}, Normalization::MinMax);
  REQUIRE(ranks[2] == 0.0);
  REQUIRE(ranks[3] == 1.0);
}

TEST_CASE("Nothing to normalise is nothing, and unequal lengths are an error", "[fibnlr][Nnpr]") {
  REQUIRE(normalized({}, {}, Normalization::Sum).empty());
  REQUIRE_THROWS_AS(normalized({1.0}, {}, Normalization::Sum), std::invalid_argument);
}

TEST_CASE("An infinite or NaN NPR is an error that names the node, and nothing is stored", "[fibnlr][Nnpr]") {
  const NodePtr good = relu("good");
  const NodePtr bad = relu("bad");
  const auto graph = chain({good, bad});
  store({good, bad}, {0.5, 0.5});
  for (const double value : {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    set<NPR>(bad, NPR{{value, 1.0}});
    REQUIRE_THROWS_WITH(computeNNPR(graph, Parameters{}), ContainsSubstring("\"bad\""));
    REQUIRE(get<NNPR>(good).value == 0.5);
  }
}

TEST_CASE("NNPR is recomputed with other parameters from what is stored, and stored", "[fibnlr][Nnpr]") {
  const NodePtr a = relu("a");
  const NodePtr b = relu("b");
  const auto graph = chain({a, b});
  set<NPR>(a, ratio(1.0));
  set<NPR>(b, ratio(3.0));
  Parameters params;
  const auto shares = computeNNPR(graph, params);
  REQUIRE(shares.at(a) == Approx(0.25));
  REQUIRE(get<NNPR>(b).value == Approx(0.75));
  REQUIRE(get<Group>(b).id == 20);
  params.normalization = Normalization::Average;
  params.group = GroupMethod::None;
  REQUIRE(computeNNPR(graph, params).at(b) == Approx(1.5));
  REQUIRE(get<Group>(b).id == 0);
}

TEST_CASE("NNPR before prepare says what to run", "[fibnlr][Nnpr]") {
  const auto graph = chain({relu("a")});
  REQUIRE_THROWS_WITH(computeNNPR(graph, Parameters{}),
                      ContainsSubstring("prepare and compute must run first") && ContainsSubstring("\"a\""));
}
