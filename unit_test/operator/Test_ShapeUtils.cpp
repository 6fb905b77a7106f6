#include "Infer.hpp"
#include "aidge/operator/ShapeUtils.hpp"

using namespace Aidge;
using namespace test;

namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

}  // namespace

TEST_CASE("Broadcasting aligns dims at the last axis and repeats extents of one", "[shape]") {
  CHECK(broadcastDims("s", {}, {}) == Dims{});
  CHECK(broadcastDims("s", {}, {2, 3}) == Dims{2, 3});
  CHECK(broadcastDims("s", {4, 1}, {3}) == Dims{4, 3});
  CHECK(broadcastDims("s", {1, 3}, {5, 4, 1}) == Dims{5, 4, 3});
  CHECK(broadcastDims("s", {0, 1}, {1, 7}) == Dims{0, 7});
}

TEST_CASE("Dims that cannot be broadcast are refused with both of them in the message", "[shape]") {
  CHECK(refusal([] { static_cast<void>(broadcastDims("operator::Add", {2, 3}, {2, 4})); }) ==
        "[operator::Add] expected dims that can be broadcast to each other, got [2, 3] and [2, 4]");
  CHECK_THROWS_AS(broadcastDims("s", {0}, {2}), std::invalid_argument);
}

TEST_CASE("Unidirectional broadcasting keeps the target's dims", "[shape]") {
  CHECK(isBroadcastableTo({}, {2, 3}));
  CHECK(isBroadcastableTo({3, 1}, {2, 3, 4}));
  CHECK_FALSE(isBroadcastableTo({2, 3}, {3}));
  CHECK_FALSE(isBroadcastableTo({3}, {1}));
}

TEST_CASE("Negative axes count from the last one", "[shape]") {
  CHECK(normaliseAxis("s", -1, 3) == 2);
  CHECK(normaliseAxis("s", -3, 3) == 0);
  CHECK(normaliseAxis("s", 2, 3) == 2);
  CHECK(normaliseAxes("s", Ints{-1, 0}, 3) == std::vector<DimIdx_t>{2, 0});
}

TEST_CASE("An axis out of range or given twice is refused", "[shape]") {
  CHECK(refusal([] { static_cast<void>(normaliseAxis("operator::Softmax", 3, 3)); }) ==
        "[operator::Softmax] expected an axis in [-3, 3), got 3");
  CHECK_THROWS_AS(normaliseAxis("s", 0, 0), std::invalid_argument);
  CHECK_THROWS_AS(normaliseAxis("s", std::numeric_limits<std::int64_t>::min(), 2), std::invalid_argument);
  CHECK(refusal([] { static_cast<void>(normaliseAxes("s", Ints{1, -2}, 3)); }) == "[s] expected axes that are all different, got [1, -2]");
}

TEST_CASE("Products and sums that leave 64 bits are refused", "[shape]") {
  CHECK(checkedMul("s", kMost, 1) == kMost);
  CHECK(checkedAdd("s", kMost, 0) == kMost);
  CHECK_THROWS_AS(checkedMul("s", kMost, 2), std::invalid_argument);
  CHECK_THROWS_AS(checkedAdd("s", kMost, 1), std::invalid_argument);
}

TEST_CASE("A resolved window says how far the last window reaches beyond the data", "[shape]") {
  const Operator ceil("MaxPooling1D", {{"kernel_dims", Ints{3}}, {"stride_dims", Ints{2}}, {"ceil_mode", true}});
  CHECK(resolveWindow(ceil, {1, 1, 6}).output == Dims{3});
  CHECK(resolveWindow(ceil, {1, 1, 6}).reachEnd == Dims{1});
  const Operator floor("MaxPooling1D", {{"kernel_dims", Ints{3}}, {"stride_dims", Ints{2}}});
  CHECK(resolveWindow(floor, {1, 1, 6}).output == Dims{2});
  CHECK(resolveWindow(floor, {1, 1, 6}).reachEnd == Dims{-1});
}

TEST_CASE("Automatic padding puts the odd element at the end or the beginning", "[shape]") {
  const auto padding = [](const std::string& mode) {
    return resolvePadding(Operator("Conv1D", {{"stride_dims", Ints{2}}, {"auto_pad", mode}}), {1, 1, 6}, Dims{3});
  };
  CHECK(padding("SAME_UPPER") == Dims{0, 1});
  CHECK(padding("SAME_LOWER") == Dims{1, 0});
  CHECK(padding("VALID") == Dims{0, 0});
}

TEST_CASE("Automatic padding counts the dilated kernel", "[shape]") {
  const Operator op("Conv2D", {{"dilation_dims", Ints{2, 3}}, {"auto_pad", std::string("SAME_UPPER")}});
  CHECK(resolvePadding(op, {1, 1, 8, 8}, Dims{3, 2}) == Dims{2, 1, 2, 2});
}

TEST_CASE("A transposed window accounts for output padding at its end", "[shape]") {
  const Operator op("ConvTranspose1D", {{"stride_dims", Ints{3}}, {"padding_dims", Ints{1, 1}}, {"output_padding", Ints{2}}});
  const SpatialWindow window = resolveTransposedWindow(op, {1, 1, 4}, Dims{3});
  CHECK(window.output == Dims{12});
  CHECK(window.padBegin == Dims{1});
  CHECK(window.padEnd == Dims{-1});
}

TEST_CASE("A transposed window that is given an output shape crops or widens to fit", "[shape]") {
  const auto window = [](std::int64_t wanted) {
    const Operator op("ConvTranspose1D", {{"stride_dims", Ints{2}}, {"output_shape", Ints{wanted}}});
    return resolveTransposedWindow(op, {1, 1, 5}, Dims{3});
  };
  CHECK(window(8).padBegin == Dims{2});
  CHECK(window(8).padEnd == Dims{1});
  CHECK(window(13).padBegin == Dims{0});
  CHECK(window(13).padEnd == Dims{-2});
}
