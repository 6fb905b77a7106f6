#include "aidge/recipes/RemoveNodes.hpp"

#include <stdexcept>

#include "aidge/graph/MakeNode.hpp"
#include "catch.hpp"

using namespace Aidge;

namespace {

NodePtr make(const std::string& type, const std::string& name) { return makeNode(type, {}, name); }

GraphViewPtr chain(const std::vector<NodePtr>& nodes) {
  const std::vector<std::variant<NodePtr, GraphViewPtr>> parts(nodes.begin(), nodes.end());
  return sequential(parts);
}

std::vector<std::string> names(const GraphViewPtr& graph) {
  std::vector<std::string> result;
  for (const NodePtr& node : graph->orderedNodesDeep()) result.push_back(node->name());
  return result;
}

}  // namespace

TEST_CASE("Every Identity goes, at the ends and in the middle, and nothing else", "[recipes][RemoveNodes]") {
  const auto graph = chain({make("Identity", "i1"), make("ReLU", "a"), make("Identity", "i2"), make("Identity", "i3"), make("Dropout", "d"),
                            make("Identity", "i4")});
  graph->setOutputs({{"y", graph->getNode("i4"), 0}});
  REQUIRE(removeIdentity(graph) == 4);
  REQUIRE(names(graph) == std::vector<std::string>{"a", "d"});
  REQUIRE(graph->outputs().front().name == "y");
  REQUIRE(graph->outputs().front().node->name() == "d");
  REQUIRE(removeIdentity(graph) == 0);
  REQUIRE(removeDropout(graph) == 1);
  REQUIRE(names(graph) == std::vector<std::string>{"a"});
  REQUIRE(removeDropout(graph) == 0);
}

TEST_CASE("An Identity that is all there is between an input and an output stays", "[recipes][RemoveNodes]") {
  const auto graph = chain({make("Identity", "i1"), make("Identity", "i2")});
  REQUIRE(removeIdentity(graph) == 1);
  REQUIRE(graph->size() == 1);
  REQUIRE(removeIdentity(graph) == 0);
}

TEST_CASE("An Identity with several consumers hands all of them to its parent", "[recipes][RemoveNodes]") {
  const NodePtr a = make("ReLU", "a");
  const NodePtr identity = make("Identity", "i");
  const NodePtr sum = make("Add", "sum");
  a->addChild(identity);
  identity->addChild(sum);
  identity->addChild(sum);
  const auto graph = GraphView::create();
  graph->add(std::vector<NodePtr>{a, identity, sum});
  REQUIRE(removeIdentity(graph) == 1);
  REQUIRE(sum->getParent(0) == a);
  REQUIRE(sum->getParent(1) == a);
}

TEST_CASE("An Identity inside a meta operator goes too", "[recipes][RemoveNodes]") {
  const auto inner = chain({make("ReLU", "deep"), make("Identity", "i")});
  const auto graph = chain({make("Tanh", "t"), MetaOperator("Block", inner, "block")});
  const auto version = graph->version();
  REQUIRE(removeIdentity(graph) == 1);
  REQUIRE(names(graph) == std::vector<std::string>{"t", "block", "deep"});
  REQUIRE(graph->version() != version);
}

TEST_CASE("No graph is an error for both removals", "[recipes][RemoveNodes]") {
  REQUIRE_THROWS_AS(removeIdentity(nullptr), std::invalid_argument);
  REQUIRE_THROWS_AS(removeDropout(nullptr), std::invalid_argument);
}
