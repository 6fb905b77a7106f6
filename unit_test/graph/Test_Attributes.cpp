#include "aidge/core/Errors.hpp"
#include "aidge/graph/MakeNode.hpp"
#include "aidge/graph/Node.hpp"
#include "catch.hpp"

using namespace Aidge;
using Catch::Matchers::ContainsSubstring;

namespace {

struct Weight {
  static constexpr std::string_view name = "weight";
  double value = 1.0;
};
struct Impostor {
  static constexpr std::string_view name = "weight";
  int value = 0;
};
struct Left { static constexpr std::string_view name = "left"; };

}  // namespace

TEST_CASE("A typed attribute is found again and absent ones are errors that name both", "[Attributes]") {
  const NodePtr node = makeNode("ReLU", {}, "act");
  REQUIRE_FALSE(node->has<Weight>());
  REQUIRE(node->tryGet<Weight>() == nullptr);
  REQUIRE_THROWS_AS(node->get<Weight>(), MissingAttributeError);
  REQUIRE_THROWS_WITH(node->get<Weight>(), ContainsSubstring("weight") && ContainsSubstring("act"));
  node->add<Weight>();
  REQUIRE(node->get<Weight>().value == 1.0);
  node->set<Weight>(Weight{2.0});
  REQUIRE(node->tryGet<Weight>()->value == 2.0);
}

TEST_CASE("Relations keep attributes of one type apart", "[Attributes]") {
  const NodePtr node = makeNode("ReLU", {}, "act");
  node->set<Weight>(Weight{1.0});
  node->set<Weight>(Id{7}, Weight{7.0});
  node->set<Left, Weight>(Weight{3.0});
  REQUIRE(node->get<Weight>().value == 1.0);
  REQUIRE(node->get<Weight>(Id{7}).value == 7.0);
  REQUIRE((node->get<Left, Weight>().value == 3.0));
  REQUIRE_FALSE(node->has<Weight>(Id{8}));
  REQUIRE(node->attributes().names() == std::vector<std::string>{"weight", "weight[left]", "weight[7]"});
}

TEST_CASE("Asking for a stored name under another type names both types", "[Attributes]") {
  const NodePtr node = makeNode("ReLU", {}, "act");
  node->add<Weight>();
  REQUIRE_THROWS_WITH(node->has<Impostor>(), ContainsSubstring("Impostor") && ContainsSubstring("Weight"));
}

TEST_CASE("A pointer that somebody holds survives set and the node, and a clone has values of its own", "[Attributes]") {
  NodePtr node = makeNode("ReLU", {}, "act");
  node->add<Weight>();
  const std::shared_ptr<Weight> held = node->attributes().get<Weight>({}, "act");
  node->set<Weight>(Weight{5.0});
  REQUIRE(held->value == 5.0);
  const NodePtr twin = node->clone();
  twin->get<Weight>().value = 9.0;
  REQUIRE(held->value == 5.0);
  node.reset();
  REQUIRE(held->value == 5.0);
}
