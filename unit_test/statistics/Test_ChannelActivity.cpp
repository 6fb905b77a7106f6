#include "aidge/statistics/ChannelActivity.hpp"

#include <stdexcept>

#include "catch.hpp"

using Aidge::statistics::ChannelActivity;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("Channels are dead until they are strictly positive", "[ChannelActivity]") {
  ChannelActivity activity(3);
  REQUIRE(activity.countDeadNeurons() == 3);
  activity.add(0, 0.0);
  activity.add(1, -1.0);
  activity.add(2, 1e-30);
  REQUIRE(activity.isDead(0));
  REQUIRE(activity.isDead(1));
  REQUIRE_FALSE(activity.isDead(2));
  activity.add(2, -5.0);
  REQUIRE_FALSE(activity.isDead(2));
  REQUIRE(activity.countDeadNeurons() == 2);
}

TEST_CASE("A flag a channel is taken, and the list grows where it must", "[ChannelActivity]") {
  ChannelActivity activity;
  const std::uint8_t flags[] = {0, 1, 0};
  activity.add(flags);
  REQUIRE(activity.neurons == std::vector<bool>{true, false, true});
  activity.add(4, 1.0);
  REQUIRE(activity.neurons == std::vector<bool>{true, false, true, true, false});
}

TEST_CASE("After merging a channel is dead where both were", "[ChannelActivity]") {
  ChannelActivity a(2);
  ChannelActivity b(3);
  a.add(0, 1.0);
  b.add(2, 1.0);
  a.merge(b);
  REQUIRE(a.neurons == std::vector<bool>{false, true, false});
}

TEST_CASE("Asking for a channel that is not there says how many there are", "[ChannelActivity]") {
  REQUIRE_THROWS_AS(ChannelActivity(2).isDead(2), std::invalid_argument);
  REQUIRE_THROWS_WITH(ChannelActivity(2).isDead(2), ContainsSubstring("below 2") && ContainsSubstring("got 2"));
}
