#include "aidge/operator/Slicing.hpp"

#include <limits>

#include "Infer.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/operator/Gather.hpp"
#include "aidge/operator/ShapeOps.hpp"

using namespace Aidge;
using namespace test;

namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

Dims sliced(const Ints& starts, const Ints& ends, const Ints& axes, const Ints& steps, const Dims& dims) {
  return inferred(*Slice(starts, ends, axes, steps)->getOperator(), {dims});
}

}  // namespace

TEST_CASE("A slice has the extents that NumPy gives it", "[indexing]") {
  CHECK(sliced({1}, {3}, {}, {}, {5, 4}) == Dims{2, 4});
  CHECK(sliced({-2}, {kMost}, {1}, {}, {5, 4}) == Dims{5, 2});
  CHECK(sliced({0}, {kMost}, {-1}, {3}, {5, 7}) == Dims{5, 3});
  CHECK(sliced({-1}, {kLeast}, {0}, {-2}, {5}) == Dims{3});
  CHECK(sliced({3}, {1}, {0}, {1}, {5}) == Dims{0});
  CHECK(sliced({kMost}, {kLeast}, {0}, {kLeast}, {5}) == Dims{1});
  CHECK(sliced({0}, {kMost}, {0}, {kMost}, {5}) == Dims{1});
  CHECK(sliced({0}, {2}, {0}, {-1}, {0}) == Dims{0});
}

TEST_CASE("Slice refuses what does not fit", "[indexing]") {
  CHECK(refusal([] { sliced({0}, {1}, {0}, {0}, {5}); }) == "[operator::Slice] expected steps other than 0, got [0]");
  CHECK(refusal([] { sliced({0, 1}, {1}, {}, {}, {5, 5}); }).starts_with("[operator::Slice] expected starts, ends, axes and steps of one"));
  CHECK(refusal([] { sliced({0}, {1}, {2}, {}, {5, 5}); }) == "[operator::Slice] expected an axis in [-2, 2), got 2");
  CHECK(refusal([] { sliced({0, 0}, {1, 1}, {1, -1}, {}, {5, 5}); }).find("all different") != std::string::npos);
}

TEST_CASE("Lists come from connected inputs where there are any", "[indexing]") {
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

TEST_CASE("Split has as many outputs as parts, which never change", "[indexing]") {
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

TEST_CASE("Split refuses parts that do not add up", "[indexing]") {
  CHECK(refusal("Split", {{"split", Ints{2, 3}}}, {{4}}) == "[operator::Split] expected 2 parts that add up to the extent 4, got [2, 3]");
  CHECK(refusal("Split", {{"num_outputs", std::int64_t{4}}}, {{5}}).find("add up") != std::string::npos);
  CHECK(refusal("Split", {{"split", Ints{-1, 5}}}).find("split with 2 entries") != std::string::npos);
  CHECK(refusal("Split", {{"num_outputs", std::int64_t{0}}}).find("num_outputs") != std::string::npos);
}

TEST_CASE("Gathering gives the dims that ONNX says", "[indexing]") {
  const auto dims = [](const NodePtr& node, const Dims& data, const Dims& indices) {
    return node->getOperator()
        ->infer(std::vector<TensorInfo>{{data, DataType::UInt8, nullptr}, {indices, DataType::Int64, nullptr}})[0]
        .dims;
  };
  CHECK(dims(Gather(1), {2, 3, 4}, {5, 6}) == Dims{2, 5, 6, 4});
  CHECK(dims(Gather(-1), {2, 3}, {}) == Dims{2});
  CHECK(dims(GatherElements(0), {4, 3}, {7, 2}) == Dims{7, 2});
  CHECK(dims(GatherND(), {2, 3, 4}, {5, 2}) == Dims{5, 4});
  CHECK(dims(GatherND(1), {2, 3, 4}, {2, 5, 1}) == Dims{2, 5, 4});
  CHECK(refusal([&] { dims(GatherElements(0), {4, 3}, {7, 5}); }).find("no bigger than the data") != std::string::npos);
  CHECK(refusal([&] { dims(GatherND(), {2, 3}, {5, 3}); }).find("tuples of 1 to 2 indices") != std::string::npos);
  CHECK(refusal("Gather", {}, {{2}, {3}}) == "[operator::Gather] expected indices of type int32 or int64, got float32");
  CHECK(refusal("ScatterND", {{"reduction", std::string("mean")}}).find("\"none\", \"add\"") != std::string::npos);
}

TEST_CASE("Shape and Size are known before run time", "[indexing]") {
  const auto shape = Shape(-2)->getOperator()->infer(infos({{2, 3, 4}}));
  REQUIRE(shape[0].value != nullptr);
  CHECK(shape[0].value->toInts() == Ints{3, 4});
  CHECK(Shape(2, -5)->getOperator()->infer(infos({{2, 3, 4}}))[0].dims == Dims{0});
  CHECK(Size()->getOperator()->infer(infos({{2, 3, 4}}))[0].value->toInts() == Ints{24});
}
