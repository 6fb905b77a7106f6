#include "aidge/nodes/Slicing.hpp"

#include <limits>

#include "Infer.hpp"
#include "aidge/core/Errors.hpp"

using namespace Aidge;
using namespace test;

namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

Dims sliced(const Ints& starts, const Ints& ends, const Ints& axes, const Ints& steps, const Dims& dims) {
  return inferred(*Slice(starts, ends, axes, steps)->getOperator(), {dims});
}

}  // namespace

TEST_CASE("A slice has the extents that NumPy gives it", "[slicing]") {
  CHECK(sliced({1}, {3}, {}, {}, {5, 4}) == Dims{2, 4});
  CHECK(sliced({-2}, {kMost}, {1}, {}, {5, 4}) == Dims{5, 2});
  CHECK(sliced({0}, {kMost}, {-1}, {3}, {5, 7}) == Dims{5, 3});
  CHECK(sliced({-1}, {kLeast}, {0}, {-2}, {5}) == Dims{3});
  CHECK(sliced({3}, {1}, {0}, {1}, {5}) == Dims{0});
  CHECK(sliced({kMost}, {kLeast}, {0}, {kLeast}, {5}) == Dims{1});
  CHECK(sliced({0}, {kMost}, {0}, {kMost}, {5}) == Dims{1});
  CHECK(sliced({0}, {2}, {0}, {-1}, {0}) == Dims{0});
}

TEST_CASE("Slice refuses what does not fit", "[slicing]") {
  CHECK(refusal([] { sliced({0}, {1}, {0}, {0}, {5}); }) == "[operator::Slice] expected steps other than 0, got [0]");
  CHECK(refusal([] { sliced({0, 1}, {1}, {}, {}, {5, 5}); }).starts_with("[operator::Slice] expected starts, ends, axes and steps of one"));
  CHECK(refusal([] { sliced({0}, {1}, {2}, {}, {5, 5}); }) == "[operator::Slice] expected an axis in [-2, 2), got 2");
  CHECK(refusal([] { sliced({0, 0}, {1, 1}, {1, -1}, {}, {5, 5}); }).find("all different") != std::string::npos);
}

TEST_CASE("Lists come from connected inputs where there are any", "[slicing]") {
  const Operator op("Slice", {{"starts", Ints{9}}, {"axes", Ints{1}}}, 3);
  std::vector<TensorInfo> inputs{{{4, 6}, DataType::Float32, nullptr}, constant({2}), constant({5})};
  CHECK(op.infer(inputs)[0].dims == Dims{4, 3});
  inputs[1].value = nullptr;
  CHECK_THROWS_AS(op.infer(inputs), UnsupportedError);
  inputs[1] = {{1}, DataType::Float32, nullptr};
  CHECK(refusal([&] { static_cast<void>(op.infer(inputs)); }) ==
        "[operator::Slice] expected starts as a list of int32 or int64, got float32 [1]");
  CHECK(refusal([] { const Operator tooMany("Slice", {}, 6); }) == "[operator::Slice] expected 1 inputs, got 6");
}

TEST_CASE("Split has as many outputs as parts, which never change", "[slicing]") {
  Operator op("Split", {{"axis", std::int64_t{1}}, {"split", Ints{1, 0, 3}}});
  REQUIRE(op.nbOutputs() == 3);
  const auto parts = op.infer(infos({{2, 4}}));
  CHECK(parts[0].dims == Dims{2, 1});
  CHECK(parts[1].dims == Dims{2, 0});
  CHECK(parts[2].dims == Dims{2, 3});
  CHECK(refusal([&] { op.setAttribute("split", Ints{2, 2}); }) == "[operator::Split] expected as many outputs as before (3), got 2");
  CHECK(op.attribute<Ints>("split") == Ints{1, 0, 3});
  CHECK(Split(2, 0)->getOperator()->infer(infos({{5}}))[1].dims == Dims{2});
}

TEST_CASE("Split refuses parts that do not add up", "[slicing]") {
  CHECK(refusal("Split", {{"split", Ints{2, 3}}}, {{4}}) == "[operator::Split] expected 2 parts that add up to the extent 4, got [2, 3]");
  CHECK(refusal("Split", {{"num_outputs", std::int64_t{4}}}, {{5}}).find("add up") != std::string::npos);
  CHECK(refusal("Split", {{"split", Ints{-1, 5}}}).find("split with 2 entries") != std::string::npos);
  CHECK(refusal("Split", {{"num_outputs", std::int64_t{0}}}).find("num_outputs") != std::string::npos);
}

TEST_CASE("Expand broadcasts both ways and Tile multiplies", "[slicing]") {
  CHECK(inferred(*Expand({2, 1, 6})->getOperator(), {{3, 1}}) == Dims{2, 3, 6});
  CHECK(inferred(*Tile({2, 0})->getOperator(), {{3, 4}}) == Dims{6, 0});
  CHECK(refusal("Expand", {{"shape", Ints{2}}}, {{3}}).find("broadcast") != std::string::npos);
  CHECK(refusal("Expand", {{"shape", Ints{-1}}}, {{3}}).find("shape with 1 entries") != std::string::npos);
  CHECK(refusal("Tile", {{"repeats", Ints{2}}}, {{3, 4}}).find("repeats with 2 entries") != std::string::npos);
}

TEST_CASE("Blocks move between channels and space, and must divide them", "[slicing]") {
  CHECK(inferred(*DepthToSpace(2)->getOperator(), {{1, 8, 3, 5}}) == Dims{1, 2, 6, 10});
  CHECK(inferred(*SpaceToDepth(3)->getOperator(), {{1, 2, 6, 9}}) == Dims{1, 18, 2, 3});
  CHECK(refusal("DepthToSpace", {{"blocksize", std::int64_t{2}}}, {{1, 6, 3, 5}}).find("channels, twice over") != std::string::npos);
  CHECK(refusal("SpaceToDepth", {{"blocksize", std::int64_t{2}}}, {{1, 6, 3, 4}}).find("spatial extents that 2 divides") !=
        std::string::npos);
  CHECK(refusal("DepthToSpace", {{"blocksize", std::int64_t{0}}}).find("blocksize in [1, 32768]") != std::string::npos);
  CHECK(refusal("SpaceToDepth", {}, {{1, 2, 3}}).find("rank 4") != std::string::npos);
}
