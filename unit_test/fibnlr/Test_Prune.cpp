#include "aidge/fibnlr/Prune.hpp"

#include <limits>
#include <stdexcept>

#include "Graphs.hpp"
#include "aidge/nodes/Activation.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::fibnlr;
using namespace Aidge::fibnlr::test;
using Catch::Matchers::ContainsSubstring;
using Indices = std::vector<std::size_t>;

namespace {

std::vector<Group> groups(const std::vector<std::uint64_t>& ids) {
  std::vector<Group> result;
  for (const std::uint64_t id : ids) result.push_back({id});
  return result;
}

Parameters with(AblationCriteria criteria, double threshold, std::uint64_t xLeast = 1, std::uint64_t minKept = 0) {
  Parameters params;
  params.ablationCriteria = criteria;
  params.ablationThreshold = threshold;
  params.ablationXLeast = xLeast;
  params.ablationMinKept = minKept;
  return params;
}

Parameters removing() {
  Parameters params;
  params.ablationMethod = AblationMethod::Remove;
  return params;
}

}  // namespace

TEST_CASE("The threshold is strict", "[fibnlr][Prune]") {
  const std::vector<double> values{0.1, 0.09, 0.2, 0.0};
  REQUIRE(selectEligible(values, groups({0, 0, 0, 0}), with(AblationCriteria::Threshold, 0.1)) == Indices{1, 3});
  REQUIRE(selectEligible(values, groups({0, 0, 0, 0}), with(AblationCriteria::Threshold, 0.0)).empty());
}

TEST_CASE("The x least of each group go, if they are also below the threshold", "[fibnlr][Prune]") {
  const std::vector<double> values{0.5, 0.1, 0.2, 0.9, 0.05};
  const auto ids = groups({1, 1, 1, 2, 2});
  REQUIRE(selectEligible(values, ids, with(AblationCriteria::XLeastPerGroup, 1.0, 1)) == Indices{1, 4});
  REQUIRE(selectEligible(values, ids, with(AblationCriteria::XLeastPerGroup, 1.0, 2)) == Indices{1, 2, 3, 4});
  REQUIRE(selectEligible(values, ids, with(AblationCriteria::XLeastPerGroup, 0.15, 2)) == Indices{1, 4});
  REQUIRE(selectEligible(values, ids, with(AblationCriteria::XLeastPerGroup, 1.0, 0)).empty());
  REQUIRE(selectEligible(values, ids, with(AblationCriteria::XLeastPerGroup, 1.0, 99)).size() == 5);
}

TEST_CASE("No criterion selects nothing", "[fibnlr][Prune]") {
  REQUIRE(selectEligible(std::vector<double>{0.0}, groups({0}), with(AblationCriteria::None, 1.0)).empty());
}

TEST_CASE("Ties go in topological order", "[fibnlr][Prune]") {
  const std::vector<double> values{0.2, 0.1, 0.1, 0.1};
  REQUIRE(selectEligible(values, groups({0, 0, 0, 0}), with(AblationCriteria::XLeastPerGroup, 1.0, 2)) == Indices{1, 2});
}

TEST_CASE("The largest of each group stay, as many as are to be kept", "[fibnlr][Prune]") {
  const std::vector<double> values{0.03, 0.01, 0.02, 0.01, 0.01};
  const auto ids = groups({1, 1, 1, 2, 2});
  REQUIRE(selectEligible(values, ids, with(AblationCriteria::Threshold, 1.0, 1, 1)) == Indices{1, 2, 3});
  REQUIRE(selectEligible(values, ids, with(AblationCriteria::Threshold, 1.0, 1, 2)) == Indices{1});
  REQUIRE(selectEligible(values, ids, with(AblationCriteria::XLeastPerGroup, 1.0, 9, 1)) == Indices{1, 2, 3});
  REQUIRE(selectEligible(values, ids, with(AblationCriteria::Threshold, 1.0, 1, 99)).empty());
}

TEST_CASE("Unequal lengths and NaN are errors", "[fibnlr][Prune]") {
  REQUIRE_THROWS_AS(selectEligible(std::vector<double>{0.0}, {}, Parameters{}), std::invalid_argument);
  REQUIRE_THROWS_AS(selectEligible(std::vector<double>{std::numeric_limits<double>::quiet_NaN()}, groups({0}), Parameters{}),
                    std::invalid_argument);
}

TEST_CASE("An Identity of the same name takes the place", "[fibnlr][Prune]") {
  const NodePtr a = relu("a");
  const NodePtr b = relu("b");
  const auto graph = chain({a, b, relu("c")});
  store(graph->nodes(), {0.5, 0.01, 0.5});
  const NodeSet removed = prune(graph);
  REQUIRE(names(removed) == std::vector<std::string>{"b"});
  REQUIRE(removed.contains(b));
  REQUIRE(graph->getNode("b")->type() == "Identity");
  REQUIRE(graph->getNode("b")->getParent(0) == a);
  REQUIRE(graph->getNode("c")->getParent(0) == graph->getNode("b"));
  REQUIRE(graph->size() == 3);
  REQUIRE(get<NNPR>(b).value == 0.01);
}

TEST_CASE("Removing wires the parent to all consumers", "[fibnlr][Prune]") {
  const NodePtr a = relu("a");
  const NodePtr b = relu("b");
  const NodePtr add = makeNode("Add", {}, "sum");
  const NodePtr tanh = makeNode("Tanh", {}, "tanh");
  b->addChild(add);
  b->addChild(add);
  b->addChild(tanh);
  const auto graph = chain({a, b});
  graph->add(std::vector<NodePtr>{add, tanh});
  store({a, b}, {0.5, 0.01});
  REQUIRE(names(prune(graph, removing())) == std::vector<std::string>{"b"});
  REQUIRE(add->getParent(0) == a);
  REQUIRE(add->getParent(1) == a);
  REQUIRE(tanh->getParent(0) == a);
  REQUIRE_FALSE(graph->contains(b));
}

TEST_CASE("Removing at the graph's entry and exit keeps the names of inputs and outputs", "[fibnlr][Prune]") {
  const NodePtr first = relu("first");
  const NodePtr tanh = makeNode("Tanh", {}, "tanh");
  const NodePtr last = relu("last");
  const auto graph = chain({first, tanh, last});
  graph->setOutputs({{"y", last, 0}});
  store({first, last}, {0.01, 0.01});
  REQUIRE(prune(graph, removing()).size() == 2);
  REQUIRE(graph->size() == 1);
  REQUIRE(graph->inputs().size() == 1);
  REQUIRE(graph->inputs()[0].name == "x");
  REQUIRE(graph->inputs()[0].targets.front().node == tanh);
  REQUIRE(graph->outputs().size() == 1);
  REQUIRE(graph->outputs()[0].name == "y");
  REQUIRE(graph->outputs()[0].node == tanh);
}

TEST_CASE("Removing the only node leaves an Identity between input and output", "[fibnlr][Prune]") {
  const NodePtr only = relu("only");
  const auto graph = chain({only});
  store({only}, {0.01});
  REQUIRE(prune(graph, removing()).contains(only));
  REQUIRE(graph->getNode("only")->type() == "Identity");
}

TEST_CASE("Activations inside meta operators are replaced and removed in place", "[fibnlr][Prune]") {
  for (const AblationMethod method : {AblationMethod::Identity, AblationMethod::Remove}) {
    const NodePtr deep = relu("deep");
    const auto inner = chain({makeNode("Tanh", {}, "tanh"), deep});
    const NodePtr block = MetaOperator("Block", inner, "block");
    const auto graph = chain({relu("top"), block});
    store({graph->getNode("top"), deep}, {0.5, 0.01});
    const auto version = graph->version();
    Parameters params;
    params.ablationMethod = method;
    REQUIRE(names(prune(graph, params)) == std::vector<std::string>{"deep"});
    REQUIRE(graph->version() != version);
    REQUIRE(microGraph(*block->getOperator()) == inner);
    REQUIRE_FALSE(inner->contains(deep));
    REQUIRE(inner->size() == (method == AblationMethod::Remove ? 1 : 2));
  }
}

TEST_CASE("A PReLU goes with its slope, whatever the method", "[fibnlr][Prune]") {
  for (const AblationMethod method : {AblationMethod::Identity, AblationMethod::Remove}) {
    const NodePtr prelu = PReLU(3, "p");
    const auto graph = chain({makeNode("Tanh", {}, "t"), prelu, makeNode("Tanh", {}, "u")});
    store({prelu}, {0.01});
    Parameters params;
    params.prunableTypes = {"PReLU"};
    params.ablationMethod = method;
    REQUIRE(prune(graph, params).size() == 1);
    REQUIRE(graph->findNode("p_slope") == nullptr);
    REQUIRE(graph->size() == (method == AblationMethod::Remove ? 2 : 3));
    REQUIRE(graph->inputs().size() == 1);
  }
}

TEST_CASE("A dry run says what would go and leaves the graph alone", "[fibnlr][Prune]") {
  const NodePtr a = relu("a");
  const auto graph = chain({a, relu("b")});
  prepare(graph);
  store(graph->nodes(), {0.01, 0.5});
  Parameters params;
  params.ablationMethod = AblationMethod::None;
  REQUIRE(names(prune(graph, params)) == std::vector<std::string>{"a"});
  REQUIRE(graph->contains(a));
  REQUIRE_FALSE(isObserved(graph));
}

TEST_CASE("Pruning leaves no observer, neither on the graph nor on what it removed", "[fibnlr][Prune]") {
  const NodePtr a = relu("a");
  const auto graph = chain({a, relu("b")});
  prepare(graph);
  store(graph->nodes(), {0.01, 0.5});
  REQUIRE(prune(graph).contains(a));
  REQUIRE_FALSE(isObserved(graph));
  REQUIRE_FALSE(a->hasObservers());
}

TEST_CASE("Pruning before compute is an error that says what to run, and leaves everything as it was", "[fibnlr][Prune]") {
  const auto bare = chain({relu("a")});
  REQUIRE_THROWS_WITH(prune(bare), ContainsSubstring("no NPR: compute must run first"));
  const auto prepared = chain({relu("a")});
  prepare(prepared);
  REQUIRE_THROWS_AS(prune(prepared), std::invalid_argument);
  REQUIRE(isObserved(prepared));
  REQUIRE(prepared->getNode("a")->type() == "ReLU");
}

TEST_CASE("A second pruning by the same values finds nothing more", "[fibnlr][Prune]") {
  const auto graph = chain({relu("a"), relu("b")});
  store(graph->nodes(), {0.01, 0.5});
  REQUIRE(prune(graph).size() == 1);
  REQUIRE(prune(graph).empty());
}

TEST_CASE("A graph without activations prunes nothing", "[fibnlr][Prune]") {
  REQUIRE(prune(chain({makeNode("Sigmoid", {}, "s")})).empty());
}
