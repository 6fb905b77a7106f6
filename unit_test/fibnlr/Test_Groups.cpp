#include "aidge/fibnlr/Groups.hpp"

#include <stdexcept>

#include "Graphs.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::fibnlr;
using namespace Aidge::fibnlr::test;
using Catch::Matchers::ContainsSubstring;

namespace {

std::vector<std::uint64_t> ids(const GraphViewPtr& graph, const Parameters& params) {
  std::vector<std::uint64_t> result;
  for (const Group group : groupsOf(graph, prunableNodes(graph, params), params)) result.push_back(group.id);
  return result;
}

/// A meta operator around `inner`.
NodePtr nest(const GraphViewPtr& inner, const std::string& name) { return MetaOperator("Block", inner, name); }

}  // namespace

TEST_CASE("Only the listed types are prunable, in topological order", "[fibnlr][Groups]") {
  const auto graph = chain({relu("a"), makeNode("Sigmoid", {}, "s"), makeNode("LeakyReLU", {}, "l"), makeNode("GeLU", {}, "g"),
                            makeNode("Clip", {{"min", 0.0}, {"max", 6.0}}, "c")});
  Parameters params;
  REQUIRE(names(prunableNodes(graph, params)) == std::vector<std::string>{"a", "l", "g"});
  params.prunableTypes = {"Clip"};
  REQUIRE(names(prunableNodes(graph, params)) == std::vector<std::string>{"c"});
  params.prunableTypes = {};
  REQUIRE(prunableNodes(graph, params).empty());
}

TEST_CASE("A Clip whose lower bound is not 0 is not prunable", "[fibnlr][Groups]") {
  const auto graph = chain({makeNode("Clip", {{"min", -1.0}, {"max", 1.0}}, "hard"), makeNode("Clip", {{"min", 0.0}}, "relu")});
  Parameters params;
  params.prunableTypes = {"Clip"};
  REQUIRE(names(prunableNodes(graph, params)) == std::vector<std::string>{"relu"});
}

TEST_CASE("Activations inside meta operators are prunable, whatever the depth", "[fibnlr][Groups]") {
  const auto inner = chain({relu("deep")});
  const auto middle = chain({relu("mid"), nest(inner, "inner")});
  const auto graph = chain({relu("top"), nest(middle, "block"), relu("last")});
  const Parameters params;
  REQUIRE(names(prunableNodes(graph, params)) == std::vector<std::string>{"top", "mid", "deep", "last"});
  REQUIRE(ids(graph, params) == std::vector<std::uint64_t>{20, 20, 20, 20});
}

TEST_CASE("The image size is the product of all spatial dims", "[fibnlr][Groups]") {
  const Parameters params;
  REQUIRE(ids(chain({relu("a")}, {2, 3}), params) == std::vector<std::uint64_t>{1});
  REQUIRE(ids(chain({relu("a")}, {2, 3, 7}), params) == std::vector<std::uint64_t>{7});
  REQUIRE(ids(chain({relu("a")}, {2, 3, 7, 5}), params) == std::vector<std::uint64_t>{35});
  REQUIRE(ids(chain({relu("a")}, {2, 3, 7, 5, 2}), params) == std::vector<std::uint64_t>{70});
}

TEST_CASE("Without grouping all are in group 0", "[fibnlr][Groups]") {
  Parameters params;
  params.group = GroupMethod::None;
  REQUIRE(ids(chain({relu("a"), relu("b")}), params) == std::vector<std::uint64_t>{0, 0});
}

TEST_CASE("A free batch does not matter, a free image size asks for dims", "[fibnlr][Groups]") {
  const Parameters params;
  REQUIRE(ids(chain({relu("a")}, {kDynamicDim, 3, 4, 4}), params) == std::vector<std::uint64_t>{16});
  const auto graph = chain({relu("a")}, {kDynamicDim, 3, kDynamicDim, 4});
  REQUIRE_THROWS_WITH(ids(graph, params), ContainsSubstring("compile"));
  graph->forwardDims({{1, 3, 8, 4}});
  REQUIRE(ids(graph, params) == std::vector<std::uint64_t>{32});
}

TEST_CASE("Manual groups go by node or by name", "[fibnlr][Groups]") {
  const NodePtr a = relu("a");
  const auto graph = chain({a, relu("b")});
  Parameters params;
  params.group = GroupMethod::Manual;
  params.groupAssignments = {{a, 3}, {"b", 4}};
  REQUIRE(ids(graph, params) == std::vector<std::uint64_t>{3, 4});
}

TEST_CASE("Manual groups that are missing, unknown or contradictory are errors with names", "[fibnlr][Groups]") {
  const NodePtr a = relu("a");
  const auto graph = chain({a, relu("b"), relu("c")});
  Parameters params;
  params.group = GroupMethod::Manual;
  params.groupAssignments = {{a, 3}};
  REQUIRE_THROWS_WITH(ids(graph, params), ContainsSubstring("\"b\"") && ContainsSubstring("\"c\""));
  params.groupAssignments = {{"a", 0}, {"b", 0}, {"c", 0}, {"typo", 0}, {relu("stranger"), 1}};
  REQUIRE_THROWS_WITH(ids(graph, params), ContainsSubstring("typo") && ContainsSubstring("stranger"));
  params.groupAssignments = {{"a", 0}, {"b", 0}, {"c", 0}, {a, 1}};
  REQUIRE_THROWS_WITH(ids(graph, params), ContainsSubstring("one group"));
}

TEST_CASE("Groups and their nodes are found by the attribute", "[fibnlr][Groups]") {
  const NodePtr a = relu("a");
  const NodePtr b = relu("b");
  const NodePtr c = relu("c");
  const auto graph = chain({a, b, c});
  REQUIRE(findGroups(graph).empty());
  store({a, b, c}, {1, 1, 1}, {5, 7, 5});
  REQUIRE(findGroups(graph) == std::set<Group>{{5}, {7}});
  REQUIRE(names(findNodeByGroup(graph, {5})) == std::vector<std::string>{"a", "c"});
  REQUIRE(findNodeByGroup(graph, {6}).empty());
}

TEST_CASE("No graph is an error", "[fibnlr][Groups]") {
  REQUIRE_THROWS_AS(prunableNodes(nullptr, Parameters{}), std::invalid_argument);
  REQUIRE_THROWS_AS(findGroups(nullptr), std::invalid_argument);
}
