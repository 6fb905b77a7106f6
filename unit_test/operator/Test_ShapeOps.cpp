#include "Infer.hpp"
#include "aidge/nodes/Concat.hpp"
#include "aidge/nodes/Pad.hpp"
#include "aidge/nodes/ShapeOps.hpp"
#include "aidge/operator/ShapeUtils.hpp"

using namespace Aidge;
using namespace test;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("Flatten makes a matrix at any axis", "[shapeops]") {
  CHECK(inferred(*Flatten()->getOperator(), {{2, 3, 4}}) == Dims{2, 12});
  CHECK(inferred(*Flatten(0)->getOperator(), {{2, 3, 4}}) == Dims{1, 24});
  CHECK(inferred(*Flatten(3)->getOperator(), {{2, 3, 4}}) == Dims{24, 1});
  CHECK(inferred(*Flatten(-1)->getOperator(), {{2, 3, 4}}) == Dims{6, 4});
  CHECK(inferred(*Flatten(0)->getOperator(), {{}}) == Dims{1, 1});
  CHECK(inferred(*Flatten(1)->getOperator(), {{0, 3}}) == Dims{0, 3});
  CHECK(refusal("Flatten", {{"axis", std::int64_t{4}}}, {{2, 3, 4}}) == "[operator::Flatten] expected an axis in [-3, 3], got 4");
}

TEST_CASE("Reshape copies at zero and infers at minus one", "[shapeops]") {
  CHECK(inferred(*Reshape({0, -1})->getOperator(), {{2, 3, 4}}) == Dims{2, 12});
  CHECK(inferred(*Reshape({4, 3, 2})->getOperator(), {{2, 3, 4}}) == Dims{4, 3, 2});
  CHECK(inferred(*Reshape({})->getOperator(), {{1, 1}}) == Dims{});
  CHECK(inferred(*Reshape({-1, 3})->getOperator(), {{0, 3}}) == Dims{0, 3});
  CHECK(inferred(*Reshape({0, 5}, true)->getOperator(), {{3, 0}}) == Dims{0, 5});
}

TEST_CASE("Shapes that the data does not fit are refused", "[shapeops]") {
  const auto reshape = [](const Ints& shape, const Dims& dims) { return refusal("Reshape", {{"shape", shape}}, {dims}); };
  CHECK(reshape({5, -1}, {2, 3}) == "[operator::Reshape] expected a shape that 6 elements of [2, 3] fit, got [5, -1]");
  CHECK(reshape({5}, {2, 3}) == "[operator::Reshape] expected a shape of 6 elements for data [2, 3], got [5]");
  CHECK(reshape({2, 3, 0}, {2, 3}) == "[operator::Reshape] expected a shape whose 0 stands at an axis of the data [2, 3], got [2, 3, 0]");
  CHECK_THAT(reshape({0, -1}, {0, 3}), ContainsSubstring("expected a shape that 0 elements"));
  CHECK_THROWS_AS(inferred("Reshape", {{"shape", Ints{std::int64_t{1} << 62, 8}}}, {{2, 3}}), std::invalid_argument);
  CHECK(refusal("Reshape", {{"shape", Ints{-1, -1}}}) ==
        "[operator::Reshape] expected a shape of extents that are not negative, with at most one -1, got [-1, -1]");
  CHECK_THAT(refusal("Reshape", {{"shape", Ints{-2}}}), ContainsSubstring("got [-2]"));
  CHECK(refusal("Reshape", {{"shape", Ints{0, -1}}, {"allowzero", true}}) ==
        "[operator::Reshape] expected a shape without both 0 and -1 where allowzero is set, got [0, -1]");
}

TEST_CASE("Transpose permutes, or reverses without an order", "[shapeops]") {
  CHECK(inferred(*Transpose({0, 2, 1})->getOperator(), {{2, 3, 4}}) == Dims{2, 4, 3});
  CHECK(inferred(*Transpose()->getOperator(), {{2, 3, 4}}) == Dims{4, 3, 2});
  CHECK(refusal("Transpose", {{"output_dims_order", Ints{0, 1}}}, {{2, 3, 4}}) ==
        "[operator::Transpose] expected output_dims_order with 3 entries, got [0, 1]");
  CHECK_THROWS_AS(inferred("Transpose", {{"output_dims_order", Ints{0, 0, 1}}}, {{2, 3, 4}}), std::invalid_argument);
  CHECK_THROWS_AS(inferred("Transpose", {{"output_dims_order", Ints{0, 3, 1}}}, {{2, 3, 4}}), std::invalid_argument);
}

TEST_CASE("Squeeze takes out the given axes, or all of extent one", "[shapeops]") {
  CHECK(inferred(*Squeeze()->getOperator(), {{1, 3, 1}}) == Dims{3});
  CHECK(inferred(*Squeeze({-1})->getOperator(), {{1, 3, 1}}) == Dims{1, 3});
  CHECK(refusal("Squeeze", {{"axes", Ints{1}}}, {{1, 3, 1}}) == "[operator::Squeeze] expected extent 1 on axis 1, got [1, 3, 1]");
  CHECK_THROWS_AS(inferred("Squeeze", {{"axes", Ints{0, -3}}}, {{1, 3, 1}}), std::invalid_argument);
}

TEST_CASE("Unsqueeze counts its axes in the output", "[shapeops]") {
  CHECK(inferred(*Unsqueeze({0, -1})->getOperator(), {{3, 4}}) == Dims{1, 3, 4, 1});
  CHECK(inferred(*Unsqueeze({3, 0})->getOperator(), {{3, 4}}) == Dims{1, 3, 4, 1});
  CHECK(inferred(*Unsqueeze({0})->getOperator(), {{}}) == Dims{1});
  CHECK_THROWS_AS(inferred("Unsqueeze", {{"axes", Ints{0, 0}}}, {{3, 4}}), std::invalid_argument);
  CHECK(refusal("Unsqueeze", {{"axes", Ints{3}}}, {{3, 4}}) == "[operator::Unsqueeze] expected an axis in [-3, 3), got 3");
}

TEST_CASE("Concat adds extents on its axis only", "[concat]") {
  CHECK(inferred(*Concat(3, 1)->getOperator(), {{2, 3, 4}, {2, 1, 4}, {2, 0, 4}}) == Dims{2, 4, 4});
  CHECK(inferred(*Concat(1, -1)->getOperator(), {{2, 3}}) == Dims{2, 3});
  CHECK(refusal("Concat", {}, {{2, 3, 4}, {2, 3, 5}}) ==
        "[operator::Concat] expected inputs that differ on axis 1 only, got [2, 3, 4] and [2, 3, 5] (input 1)");
  CHECK_THAT(refusal("Concat", {}, {{2, 3, 4}, {2, 3}}), ContainsSubstring("[2, 3, 4] and [2, 3] (input 1)"));
  CHECK_THAT(refusal("Concat", {{"axis", std::int64_t{7}}}, {Dims(8, 1), {1}}), ContainsSubstring("and [1] (input 1)"));
  CHECK_THROWS_AS(inferred("Concat", {{"axis", std::int64_t{2}}}, {{2, 3}, {2, 3}}), std::invalid_argument);
  CHECK(refusal([] { static_cast<void>(Concat(0)); }) == "[operator::Concat] expected 1 to 65536 inputs, got 0");
  CHECK_THROWS_AS(Concat(static_cast<IOIndex_t>(-1)), std::invalid_argument);
}

TEST_CASE("Pad adds before and after, on all axes or on the given ones", "[pad]") {
  CHECK(inferred(*Pad({0, 1, 0, 2})->getOperator(), {{2, 3}}) == Dims{2, 6});
  CHECK(inferred(*Pad({1, 2}, "edge", 0.0, {-1})->getOperator(), {{2, 3}}) == Dims{2, 6});
  CHECK(inferred(*Pad({-1, 0, 0, -1})->getOperator(), {{2, 3}}) == Dims{1, 2});
  const AxisPads pads = resolvePads(*Pad({1, 2}, "edge", 0.0, {-1})->getOperator(), {1, 2}, 2);
  CHECK(pads.begin == Dims{0, 1});
  CHECK(pads.end == Dims{0, 2});
}

TEST_CASE("Pads that do not fit are refused", "[pad]") {
  CHECK(refusal("Pad", {{"pads", Ints{1, 1}}}, {{2, 3}}) == "[operator::Pad] expected pads with 2 entries for each of 2 axes, got [1, 1]");
  CHECK(refusal("Pad", {{"pads", Ints{1, 1, 1}}}) == "[operator::Pad] expected pads with an even number of entries, got [1, 1, 1]");
  CHECK(refusal("Pad", {{"pads", Ints{0, 3}}, {"mode", std::string("reflect")}}, {{3}}) ==
        "[operator::Pad] expected an extent of at least 4 on axis 0 to reflect, got [3]");
  CHECK_THAT(refusal("Pad", {{"pads", Ints{0, 1}}, {"mode", std::string("edge")}}, {{0}}),
             ContainsSubstring("at least 1 on axis 0 to edge"));
  CHECK_THAT(refusal("Pad", {{"pads", Ints{0, -1}}, {"mode", std::string("wrap")}}), ContainsSubstring("entries in [0, "));
  CHECK(refusal("Pad", {{"pads", Ints{-2, -2}}}, {{3}}) ==
        "[operator::Pad] expected pads that take away no more than there is on axis 0 of [3], got -2 and -2");
  CHECK_THAT(refusal("Pad", {{"pads", Ints{5, -4}}}, {{3}}), ContainsSubstring("take away no more than there is"));
  CHECK_THAT(refusal("Pad", {{"mode", std::string("mirror")}}),
             ContainsSubstring("expected mode to be one of \"constant\", \"reflect\", \"edge\", \"wrap\""));
  CHECK_THROWS_AS(inferred("Pad", {{"pads", Ints{1, 1}}, {"axes", Ints{2}}}, {{2, 3}}), std::invalid_argument);
}

TEST_CASE("Shape and Size are known before run time", "[shapeops]") {
  const auto shape = Shape(-2)->getOperator()->infer(infos({{2, 3, 4}}));
  REQUIRE(shape[0].value != nullptr);
  CHECK(shape[0].value->toInts() == Ints{3, 4});
  CHECK(Shape(2, -5)->getOperator()->infer(infos({{2, 3, 4}}))[0].dims == Dims{0});
  CHECK(Size()->getOperator()->infer(infos({{2, 3, 4}}))[0].value->toInts() == Ints{24});
}
