#include "aidge/fibnlr/Parameters.hpp"

#include <limits>
#include <stdexcept>

#include "Graphs.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::fibnlr;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("The defaults are those of the specification", "[fibnlr][Parameters]") {
  const Parameters params;
  REQUIRE(params.method == Method::Strict);
  REQUIRE(params.normalization == NormalisationMethod::Sum);
  REQUIRE(params.group == GroupMethod::ImageSize);
  REQUIRE(params.ablationCriteria == AblationCriteria::Threshold);
  REQUIRE(params.ablationMethod == AblationMethod::Identity);
  REQUIRE(params.ablationThreshold == 0.1);
  REQUIRE(params.ablationXLeast == 1);
  REQUIRE(params.ablationMinKept == 0);
  REQUIRE(params.maxIteration == 100);
  REQUIRE(params.convergenceThreshold == 1e-6);
  REQUIRE(params.prunableTypes == std::vector<std::string>{"ReLU", "LeakyReLU", "GeLU"});
  REQUIRE_NOTHROW(params.validate());
}

TEST_CASE("The presets differ from the defaults where they should", "[fibnlr][Parameters]") {
  const Parameters paper = Parameters::paper();
  REQUIRE(paper.method == Method::Loose);
  REQUIRE(paper.normalization == NormalizationMethod::Average);
  REQUIRE(paper.group == GroupMethod::ImageSize);
  REQUIRE(paper.ablationCriteria == AblationCriteria::XLeastPerGroup);
  REQUIRE(paper.ablationMethod == AblationMethod::Identity);
  const Parameters none = Parameters::none();
  REQUIRE(none.method == Method::Strict);
  REQUIRE(none.normalization == NormalizationMethod::None);
  REQUIRE(none.group == GroupMethod::None);
  REQUIRE(none.ablationCriteria == AblationCriteria::None);
  REQUIRE(none.ablationMethod == AblationMethod::None);
  REQUIRE_FALSE(none == paper);
  REQUIRE(none == Parameters::none());
}

TEST_CASE("Values out of range are refused by name", "[fibnlr][Parameters]") {
  const auto messageOf = [](auto change) {
    Parameters params;
    change(params);
    try {
      params.validate();
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  REQUIRE_THAT(messageOf([](Parameters& p) { p.ablationThreshold = -0.1; }),
               ContainsSubstring("ablation_threshold") && ContainsSubstring("-0.1"));
  REQUIRE_THAT(messageOf([](Parameters& p) { p.ablationThreshold = std::numeric_limits<double>::infinity(); }),
               ContainsSubstring("ablation_threshold"));
  REQUIRE_THAT(messageOf([](Parameters& p) { p.convergenceThreshold = std::numeric_limits<double>::quiet_NaN(); }),
               ContainsSubstring("convergence_threshold"));
  REQUIRE_THAT(messageOf([](Parameters& p) { p.prunableTypes = {"Sigmoid"}; }),
               ContainsSubstring("prunable_types") && ContainsSubstring("Sigmoid"));
  REQUIRE_THAT(messageOf([](Parameters& p) { p.method = static_cast<Method>(9); }), ContainsSubstring("method"));
  REQUIRE_THAT(messageOf([](Parameters& p) { p.groupAssignments[NodePtr()] = 1; }), ContainsSubstring("group_assignments"));
  REQUIRE(messageOf([](Parameters& p) { p.prunableTypes = {"PReLU", "Clip"}; }) == "accepted");
}
