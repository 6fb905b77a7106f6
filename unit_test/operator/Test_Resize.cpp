#include "aidge/nodes/Resize.hpp"

#include "Infer.hpp"

using namespace Aidge;
using namespace test;

using Doubles = std::vector<double>;

TEST_CASE("Resize rounds scaled extents down and takes sizes as they are", "[resize]") {
  CHECK(inferred(*Resize("linear", {1, 1, 2.5, 0.5})->getOperator(), {{2, 3, 5, 5}}) == Dims{2, 3, 12, 2});
  CHECK(inferred(*Resize("linear", {}, {2, 3, 7, 1})->getOperator(), {{2, 3, 5, 5}}) == Dims{2, 3, 7, 1});
  CHECK(inferred("Resize", {{"scales", Doubles{2.0}}, {"axes", Ints{-1}}}, {{2, 3, 5}}) == Dims{2, 3, 10});
}

TEST_CASE("Resize keeps the aspect ratio as told", "[resize]") {
  const auto sized = [](const std::string& policy) {
    return inferred("Resize", {{"sizes", Ints{7, 8}}, {"axes", Ints{2, 3}}, {"keep_aspect_ratio_policy", policy}}, {{1, 3, 4, 6}});
  };
  CHECK(sized("stretch") == Dims{1, 3, 7, 8});
  CHECK(sized("not_larger") == Dims{1, 3, 5, 8});
  CHECK(sized("not_smaller") == Dims{1, 3, 7, 11});
}

TEST_CASE("Resize refuses what does not fit", "[resize]") {
  CHECK(refusal("Resize", {{"scales", Doubles{1, 2}}}, {{2, 3, 5}}) == "[operator::Resize] expected scales with 3 entries, got 2");
  CHECK(refusal("Resize", {}, {{2, 3}}) == "[operator::Resize] expected either scales or sizes, got none");
  CHECK(refusal("Resize", {{"scales", Doubles{1}}, {"sizes", Ints{1}}}) == "[operator::Resize] expected either scales or sizes, got both");
  CHECK(refusal("Resize", {{"scales", Doubles{-1.0}}}, {{2}}).find("scales above 0") != std::string::npos);
  CHECK(refusal("Resize", {{"scales", Doubles{1e30}}}, {{2}}).find("extents that fit") != std::string::npos);
  CHECK(refusal("Resize", {{"sizes", Ints{4}}}, {{0}}).find("data with elements") != std::string::npos);
  CHECK(refusal("Resize", {{"mode", std::string("lanczos")}}).find("\"nearest\", \"linear\", \"cubic\"") != std::string::npos);
  CHECK(refusal("Resize", {{"antialias", true}}).find("antialias with mode") != std::string::npos);
  CHECK(refusal("Resize", {{"scales", Doubles{1}}, {"coordinate_transformation_mode", std::string("tf_crop_and_resize")}}, {{2}}) ==
        "[operator::Resize] expected roi with 2 entries, got 0");
}
