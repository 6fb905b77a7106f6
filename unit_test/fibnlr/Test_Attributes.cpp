#include "aidge/fibnlr/Attributes.hpp"

#include <stdexcept>

#include "Graphs.hpp"
#include "aidge/core/Errors.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::fibnlr;
using namespace Aidge::fibnlr::test;
using Catch::Matchers::ContainsSubstring;

namespace {

struct Input { static constexpr std::string_view name = "input"; };
struct Impostor {
  static constexpr std::string_view name = "fibnlr.NPR";
  int value = 0;
};

}  // namespace

TEST_CASE("An attribute is added with its default, set, and read back", "[fibnlr][Attributes]") {
  const NodePtr node = relu("act");
  REQUIRE_FALSE(has<NPR>(node));
  REQUIRE(tryGet<NPR>(node) == nullptr);
  add<NPR>(node);
  REQUIRE(has<NPR>(node));
  REQUIRE(get<NPR>(node).value() == 1.0);
  const NPR value = ratio(0.5);
  set(node, value);
  REQUIRE(get<NPR>(node) == value);
  set<NPR>(node, ratio(0.25));
  REQUIRE(tryGet<NPR>(node)->neg == 0.25);
  add<NPR>(node);
  REQUIRE(get<NPR>(node).neg == 0.25);
}

TEST_CASE("A reference that was handed out sees what is set later", "[fibnlr][Attributes]") {
  const NodePtr node = relu("act");
  set<NNPR>(node, NNPR{1.0});
  const NNPR& held = get<NNPR>(node);
  set<NNPR>(node, NNPR{2.0});
  REQUIRE(held.value == 2.0);
}

TEST_CASE("Compile-time and run-time relations and the plain attribute are three things", "[fibnlr][Attributes]") {
  const NodePtr node = relu("act");
  set<Group>(node, Group{1});
  set<Input, Group>(node, Group{2});
  const Group three{3};
  set<Group>(Id{7}, node, three);
  set<Group>(Id{8}, node, Group{4});
  REQUIRE(get<Group>(node).id == 1);
  REQUIRE(get<Input, Group>(node).id == 2);
  REQUIRE(get<Group>(Id{7}, node).id == 3);
  REQUIRE(get<Group>(Id{8}, node).id == 4);
  REQUIRE(node->get<Group>(Id{7}).id == 3);
  REQUIRE(node->get<Input, Group>().id == 2);
  REQUIRE_FALSE(has<Group>(Id{9}, node));
  REQUIRE(tryGet<Group>(Id{9}, node) == nullptr);
  add<Input, NPR>(node);
  add<NPR>(Id{1}, node);
  REQUIRE(has<Input, NPR>(node));
  REQUIRE(has<NPR>(Id{1}, node));
  REQUIRE(tryGet<Input, NPR>(node) != nullptr);
  REQUIRE_FALSE(has<NPR>(node));
}

TEST_CASE("A missing attribute is an error that names attribute and node", "[fibnlr][Attributes]") {
  const NodePtr node = relu("act");
  REQUIRE_THROWS_AS(get<NPR>(node), MissingAttributeError);
  REQUIRE_THROWS_WITH(get<NPR>(node), ContainsSubstring("fibnlr.NPR") && ContainsSubstring("act"));
  REQUIRE_THROWS_WITH((get<Input, NPR>(node)), ContainsSubstring("input"));
}

TEST_CASE("Asking under the wrong type is an error that names both types", "[fibnlr][Attributes]") {
  const NodePtr node = relu("act");
  add<NPR>(node);
  REQUIRE_THROWS_AS(get<Impostor>(node), std::invalid_argument);
  REQUIRE_THROWS_WITH(tryGet<Impostor>(node), ContainsSubstring("Impostor") && ContainsSubstring("Aidge::fibnlr::NPR"));
}

TEST_CASE("A null node is an error, not a crash", "[fibnlr][Attributes]") {
  REQUIRE_THROWS_AS(has<NPR>(nullptr), std::invalid_argument);
  REQUIRE_THROWS_AS(get<NPR>(nullptr), std::invalid_argument);
  REQUIRE_THROWS_AS(add<NPR>(nullptr), std::invalid_argument);
}

TEST_CASE("Nodes are compared by their NNPR", "[fibnlr][Attributes]") {
  const NodePtr a = relu("a");
  const NodePtr b = relu("b");
  store({a, b}, {0.1, 0.2});
  REQUIRE(compareNNPR(a, b));
  REQUIRE_FALSE(compareNNPR(b, a));
  REQUIRE_FALSE(compareNNPR(a, a));
  REQUIRE_THROWS_AS(compareNNPR(a, relu("c")), MissingAttributeError);
}

TEST_CASE("Attributes compare by value", "[fibnlr][Attributes]") {
  REQUIRE(ratio(0.1) < ratio(0.2));
  REQUIRE(NNPR{0.1} < NNPR{0.2});
  REQUIRE(Group{1} < Group{2});
  REQUIRE(Group{1} == Group{1});
  REQUIRE(ActivityTracker(2) == ActivityTracker(2));
  REQUIRE(ActivityTracker(1) < ActivityTracker(2));
}
