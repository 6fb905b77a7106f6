#include "Infer.hpp"
#include "aidge/nodes/Pooling.hpp"

using namespace Aidge;
using namespace test;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Counts, one by one, the windows that a pooling has: all that fit the padded data, and with `ceil` those that start in the data or its left padding.
DimSize_t countWindows(DimSize_t in, DimSize_t begin, DimSize_t end, DimSize_t extent, DimSize_t stride, bool ceil) {
  DimSize_t count = 0;
  bool covered = false;
  for (DimSize_t start = 0;; start += stride) {
    const bool fits = start + extent <= in + begin + end;
    if (!fits && (!ceil || covered || start >= in + begin)) return count;
    ++count;
    covered = start + extent >= in + begin + end;
  }
}

}  // namespace

TEST_CASE("Pooling extents equal a count of the windows", "[pooling]") {
  for (DimSize_t in = 1; in < 9; ++in) {
    for (DimSize_t kernel = 1; kernel < 4; ++kernel) {
      for (DimSize_t stride = 1; stride < 5; ++stride) {
        for (DimSize_t pad = 0; pad < kernel; ++pad) {
          for (const bool ceil : {false, true}) {
            if (in + pad < kernel && (!ceil || in + pad - kernel <= -stride)) continue;
            const AttributeMap attributes{
                {"kernel_dims", Ints{kernel}}, {"stride_dims", Ints{stride}}, {"padding_dims", Ints{0, pad}}, {"ceil_mode", ceil}};
            CAPTURE(in, kernel, stride, pad, ceil);
            CHECK(inferred("AvgPooling1D", attributes, {{2, 3, in}}) == Dims{2, 3, countWindows(in, 0, pad, kernel, stride, ceil)});
          }
        }
      }
    }
  }
}

TEST_CASE("Rounding up leaves out a window that would start in the right padding", "[pooling]") {
  const AttributeMap attributes{
      {"kernel_dims", Ints{2, 2}}, {"stride_dims", Ints{2, 2}}, {"padding_dims", Ints{1, 0, 1, 0}}, {"ceil_mode", true}};
  CHECK(inferred("MaxPooling2D", attributes, {{1, 1, 5, 5}}) == Dims{1, 1, 3, 3});
  const AttributeMap strided{{"kernel_dims", Ints{2}}, {"stride_dims", Ints{3}}, {"padding_dims", Ints{0, 1}}, {"ceil_mode", true}};
  CHECK(inferred("MaxPooling1D", strided, {{1, 1, 3}}) == Dims{1, 1, 1});
}

TEST_CASE("Rounding up admits one window that is larger than the data", "[pooling]") {
  const AttributeMap attributes{{"kernel_dims", Ints{2}}, {"stride_dims", Ints{2}}, {"ceil_mode", true}};
  CHECK(inferred("AvgPooling1D", attributes, {{1, 1, 1}}) == Dims{1, 1, 1});
  const AttributeMap narrow{{"kernel_dims", Ints{3}}, {"stride_dims", Ints{2}}, {"ceil_mode", true}};
  CHECK_THROWS_AS(inferred("AvgPooling1D", narrow, {{1, 1, 1}}), std::invalid_argument);
}

TEST_CASE("Pooling factories set their attributes", "[pooling]") {
  const NodePtr maxNode = PaddedMaxPooling<2>({3, 3}, "pool", {2, 2}, {1, 1, 1, 1});
  CHECK(maxNode->type() == "MaxPooling2D");
  CHECK(maxNode->name() == "pool");
  CHECK(inferred(*maxNode->getOperator(), {{1, 64, 112, 112}}) == Dims{1, 64, 56, 56});
  const NodePtr avgNode = PaddedAvgPooling<1>({2}, "", {1}, {1, 0}, {1}, false, true);
  CHECK(avgNode->type() == "AvgPooling1D");
  CHECK(avgNode->getOperator()->attribute<bool>("count_include_pad"));
  CHECK(inferred(*avgNode->getOperator(), {{1, 1, 4}}) == Dims{1, 1, 4});
  CHECK(inferred(*MaxPooling<3>({2, 2, 2}, "", {2, 2, 2})->getOperator(), {{1, 1, 4, 6, 8}}) == Dims{1, 1, 2, 3, 4});
  CHECK(inferred(*AvgPooling<2>({2, 3}, "", {1, 1}, {2, 1})->getOperator(), {{1, 1, 4, 6}}) == Dims{1, 1, 2, 4});
}

TEST_CASE("Hostile pooling attributes and inputs are refused", "[pooling]") {
  CHECK_THAT(refusal("MaxPooling2D", {}), ContainsSubstring("kernel_dims with 2 entries in [1, 2147483647], got []"));
  CHECK_THAT(refusal("AvgPooling2D", {{"kernel_dims", Ints{2, -2}}}), ContainsSubstring("got [2, -2]"));
  CHECK(refusal("MaxPooling1D", {{"kernel_dims", Ints{2}}, {"padding_dims", Ints{0, 2}}}, {{1, 1, 5}}) ==
        "[operator::MaxPooling1D] expected padding smaller than the window's extent 2 on axis 2, got 0 and 2");
  CHECK(
      refusal("MaxPooling1D", {{"kernel_dims", Ints{3}}}, {{1, 1, 2}}) ==
      "[operator::MaxPooling1D] expected a window no larger than the padded data, got extent 3 on axis 2 of [1, 1, 2] with padding 0 + 0");
  CHECK(refusal("MaxPooling1D", {{"kernel_dims", Ints{3}}}, {{1, 2}}) ==
        "[operator::MaxPooling1D] expected data of rank 3 (batch, channels, spatial axes), got [1, 2]");
  CHECK_THROWS_AS(Operator("AvgPooling1D", {{"kernel_dims", Ints{1}}}).infer(infos({{1, 1, 2}}, DataType::Int32)), std::invalid_argument);
}

TEST_CASE("A refused attribute leaves the old value", "[pooling]") {
  Operator op("MaxPooling1D", {{"kernel_dims", Ints{3}}});
  CHECK_THROWS_AS(op.setAttribute("kernel_dims", Ints{0}), std::invalid_argument);
  CHECK(op.attribute<Ints>("kernel_dims") == Ints{3});
}

TEST_CASE("Global average pooling leaves one value a channel and keeps the rank", "[pooling]") {
  CHECK(inferred(*GlobalAveragePooling()->getOperator(), {{2, 5, 7, 9}}) == Dims{2, 5, 1, 1});
  CHECK(inferred("GlobalAveragePooling", {}, {{2, 5, 7}}) == Dims{2, 5, 1});
  CHECK(refusal("GlobalAveragePooling", {}, {{2, 5}}) == "[operator::GlobalAveragePooling] expected data of rank 3 or more, got [2, 5]");
  CHECK(refusal("GlobalAveragePooling", {}, {{2, 5, 0}}) ==
        "[operator::GlobalAveragePooling] expected data with spatial extents of at least 1, got [2, 5, 0]");
}
