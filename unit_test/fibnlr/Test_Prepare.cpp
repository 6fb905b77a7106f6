#include "aidge/fibnlr/Prepare.hpp"

#include <cmath>

#include "Graphs.hpp"
#include "aidge/graph/Observer.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::fibnlr;
using namespace Aidge::fibnlr::test;
using Catch::Matchers::ContainsSubstring;

namespace {

/// What an engine would deliver to the only observer of the node.
void deliver(const NodePtr& node, double negative, double positive, const std::vector<std::uint8_t>& active) {
  const auto observers = node->inputObservers(0);
  REQUIRE(observers.size() == 1);
  observers[0]->observe(SignSummary{negative, positive, active});
}

}  // namespace

TEST_CASE("Preparing adds fresh attributes and one observer to every activation", "[fibnlr][Prepare]") {
  const NodePtr a = relu("a");
  const auto graph = chain({a, relu("b")});
  REQUIRE(names(prepare(graph)) == std::vector<std::string>{"a", "b"});
  REQUIRE(get<NPR>(a) == NPR{});
  REQUIRE(std::isnan(get<NNPR>(a).value));
  REQUIRE(get<ActivityTracker>(a).neurons == std::vector<bool>{true, true, true});
  REQUIRE(get<Group>(a).id == 20);
  REQUIRE(a->inputObservers(0).size() == 1);
}

TEST_CASE("What the engine sums up goes to NPR and ActivityTracker", "[fibnlr][Prepare]") {
  const NodePtr a = relu("a");
  const auto graph = chain({a});
  prepare(graph);
  deliver(a, 1.0, 4.0, {0, 1, 0});
  deliver(a, 1.0, 4.0, {0, 0, 1});
  REQUIRE(get<NPR>(a).neg == 2.0);
  REQUIRE(get<NPR>(a).pos == 8.0);
  REQUIRE(get<ActivityTracker>(a).neurons == std::vector<bool>{true, false, false});
}

TEST_CASE("Preparing again starts from zero and never doubles observers", "[fibnlr][Prepare]") {
  const NodePtr a = relu("a");
  const auto graph = chain({a});
  prepare(graph);
  deliver(a, 1.0, 4.0, {1, 1, 1});
  set<NNPR>(a, NNPR{0.5});
  prepare(graph);
  REQUIRE(a->inputObservers(0).size() == 1);
  REQUIRE(get<NPR>(a) == NPR{});
  REQUIRE(std::isnan(get<NNPR>(a).value));
  REQUIRE(get<ActivityTracker>(a).countDeadNeurons() == 3);
}

TEST_CASE("A reference held from before sees the reset and what follows", "[fibnlr][Prepare]") {
  const NodePtr a = relu("a");
  const auto graph = chain({a});
  prepare(graph);
  const NPR& held = get<NPR>(a);
  deliver(a, 1.0, 4.0, {1, 1, 1});
  REQUIRE(held.neg == 1.0);
  prepare(graph);
  REQUIRE(held.neg == 0.0);
  deliver(a, 3.0, 4.0, {1, 1, 1});
  REQUIRE(held.neg == 3.0);
}

TEST_CASE("Nodes that a second prepare does not want lose observer and attributes", "[fibnlr][Prepare]") {
  const NodePtr a = relu("a");
  const NodePtr g = makeNode("GeLU", {}, "g");
  const auto graph = chain({a, g});
  prepare(graph);
  Parameters params;
  params.prunableTypes = {"GeLU"};
  REQUIRE(names(prepare(graph, params)) == std::vector<std::string>{"g"});
  REQUIRE_FALSE(a->hasObservers());
  REQUIRE_FALSE(has<NPR>(a));
  REQUIRE(g->hasObservers());
}

TEST_CASE("The upper bound of a Clip reaches its observer", "[fibnlr][Prepare]") {
  const NodePtr clip = makeNode("Clip", {{"min", 0.0}, {"max", 6.0}}, "clip");
  const auto graph = chain({clip, relu("a")});
  Parameters params;
  params.prunableTypes = {"ReLU", "Clip"};
  prepare(graph, params);
  REQUIRE(clip->inputObservers(0).front()->upper() == 6.0);
  REQUIRE(clip->inputObservers(0).front()->request() == Observer::Request::SignSummary);
  REQUIRE(std::isinf(graph->getNode("a")->inputObservers(0).front()->upper()));
}

TEST_CASE("A graph whose dims are unknown is refused and left alone", "[fibnlr][Prepare]") {
  const NodePtr a = relu("a");
  const auto graph = GraphView::create();
  graph->add(a);
  REQUIRE_THROWS_WITH(prepare(graph), ContainsSubstring("compile"));
  REQUIRE_FALSE(has<NPR>(a));
  REQUIRE_FALSE(a->hasObservers());
}

TEST_CASE("Bad parameters leave an earlier preparation as it was", "[fibnlr][Prepare]") {
  const NodePtr a = relu("a");
  const auto graph = chain({a});
  prepare(graph);
  deliver(a, 1.0, 4.0, {1, 1, 1});
  Parameters params;
  params.group = GroupMethod::Manual;
  REQUIRE_THROWS_WITH(prepare(graph, params), ContainsSubstring("group_assignments"));
  params.ablationThreshold = -1;
  REQUIRE_THROWS_WITH(prepare(graph, params), ContainsSubstring("ablation_threshold"));
  REQUIRE(get<NPR>(a).neg == 1.0);
  REQUIRE(a->hasObservers());
}

TEST_CASE("Detaching takes every observer off and leaves those of others", "[fibnlr][Prepare]") {
  struct Foreign : Observer {};
  const NodePtr a = relu("a");
  const auto graph = chain({a, relu("b")});
  HookHandle foreign = a->addInputObserver(0, std::make_shared<Foreign>());
  prepare(graph);
  detach(graph);
  detach(graph);
  REQUIRE(a->inputObservers(0).size() == 1);
  REQUIRE(has<NPR>(a));
  foreign.remove();
  REQUIRE_FALSE(isObserved(graph));
}

TEST_CASE("A clone carries the values but no observer, and leaves the original's alone", "[fibnlr][Prepare]") {
  const NodePtr a = relu("a");
  const auto graph = chain({a});
  prepare(graph);
  deliver(a, 1.0, 4.0, {1, 1, 1});
  const auto copy = graph->clone();
  REQUIRE_FALSE(isObserved(copy));
  REQUIRE(get<NPR>(copy->getNode("a")).neg == 1.0);
  detach(copy);
  REQUIRE(a->hasObservers());
  set<NPR>(copy->getNode("a"), NPR{});
  REQUIRE(get<NPR>(a).neg == 1.0);
}

TEST_CASE("A graph without activations prepares nothing", "[fibnlr][Prepare]") {
  REQUIRE(prepare(chain({makeNode("Sigmoid", {}, "s")})).empty());
}
