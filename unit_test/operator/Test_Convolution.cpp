#include "Infer.hpp"
#include "aidge/nodes/ConvTranspose.hpp"
#include "aidge/nodes/Convolution.hpp"

using namespace Aidge;
using namespace test;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();

AttributeMap with(const std::string& name, AttributeValue value) { return {{name, std::move(value)}}; }

}  // namespace

TEST_CASE("A convolution without padding shrinks by the kernel", "[conv]") {
  CHECK(inferred("Conv1D", {}, {{2, 3, 10}, {8, 3, 3}, {8}}) == Dims{2, 8, 8});
  CHECK(inferred("Conv2D", {}, {{1, 3, 5, 5}, {4, 3, 3, 3}, {4}}) == Dims{1, 4, 3, 3});
  CHECK(inferred("Conv3D", {}, {{1, 1, 4, 5, 6}, {2, 1, 1, 2, 3}, {2}}) == Dims{1, 2, 4, 4, 4});
  CHECK(inferred("Conv2D", {}, {{1, 3, 3, 3}, {4, 3, 3, 3}, {4}}) == Dims{1, 4, 1, 1});
}

TEST_CASE("The bias of a convolution is optional", "[conv]") {
  CHECK(inferred("Conv2D", {}, {{1, 3, 5, 5}, {4, 3, 3, 3}, {}}) == Dims{1, 4, 3, 3});
}

TEST_CASE("Stride, dilation and asymmetric padding enter a convolution's extents", "[conv]") {
  const AttributeMap attributes{{"stride_dims", Ints{2, 3}}, {"dilation_dims", Ints{2, 1}}, {"padding_dims", Ints{1, 0, 2, 1}}};
  // (11 + 1 + 2 - 5) / 2 + 1 and (11 + 0 + 1 - 3) / 3 + 1
  CHECK(inferred("Conv2D", attributes, {{1, 3, 11, 11}, {4, 3, 3, 3}, {}}) == Dims{1, 4, 5, 4});
}

TEST_CASE("Automatic padding makes a convolution's extent the input's over the stride, rounded up", "[conv]") {
  for (const std::string mode : {"SAME_UPPER", "SAME_LOWER"}) {
    for (DimSize_t in = 1; in < 12; ++in) {
      for (std::int64_t stride = 1; stride < 5; ++stride) {
        const AttributeMap attributes{{"stride_dims", Ints{stride}}, {"dilation_dims", Ints{2}}, {"auto_pad", mode}};
        CHECK(inferred("Conv1D", attributes, {{1, 1, in}, {1, 1, 3}, {}})[2] == (in + stride - 1) / stride);
      }
    }
  }
}

TEST_CASE("An empty batch gives an empty result", "[conv]") {
  CHECK(inferred("Conv2D", {}, {{0, 3, 5, 5}, {4, 3, 3, 3}, {}}) == Dims{0, 4, 3, 3});
}

TEST_CASE("Groups divide both channel counts of a convolution", "[conv]") {
  const AttributeMap groups = with("groups", std::int64_t{3});
  CHECK(inferred("Conv2D", groups, {{1, 6, 5, 5}, {9, 2, 1, 1}, {}}) == Dims{1, 9, 5, 5});
  CHECK(refusal("Conv2D", groups, {{1, 6, 5, 5}, {8, 2, 1, 1}, {}}) ==
        "[operator::Conv2D] expected a weight (out, in / groups, kernel) whose out is a multiple of groups = 3, got [8, 2, 1, 1]");
  CHECK(refusal("Conv2D", groups, {{1, 7, 5, 5}, {9, 2, 1, 1}, {}}) ==
        "[operator::Conv2D] expected data with groups * weight axis 1 = 3 * 2 channels, got [1, 7, 5, 5]");
}

TEST_CASE("A convolution's multiply-accumulates are output elements times inputs a group times kernel", "[conv]") {
  CHECK(macsOf(Operator("Conv2D"), {{2, 3, 5, 5}, {4, 3, 3, 3}, {}}) == 2.0 * 4 * 9 * 27);
  CHECK(macsOf(Operator("Conv2D", with("groups", std::int64_t{4})), {{1, 4, 5, 5}, {4, 1, 3, 3}, {}}) == 4.0 * 9 * 9);
}

TEST_CASE("Hostile attributes of a convolution are refused", "[conv]") {
  CHECK(refusal("Conv2D", with("stride_dims", Ints{1, 0})) ==
        "[operator::Conv2D] expected stride_dims with 2 entries in [1, 2147483647], got [1, 0]");
  CHECK(refusal("Conv2D", with("stride_dims", Ints{1})) ==
        "[operator::Conv2D] expected stride_dims with 2 entries in [1, 2147483647], got [1]");
  CHECK_THAT(refusal("Conv2D", with("stride_dims", Ints{})), ContainsSubstring("stride_dims with 2 entries"));
  CHECK_THAT(refusal("Conv2D", with("dilation_dims", Ints{1, kHuge})), ContainsSubstring("dilation_dims with 2 entries"));
  CHECK_THAT(refusal("Conv2D", with("padding_dims", Ints{0, 0, 0, -1})), ContainsSubstring("padding_dims with 4 entries in [0, "));
  CHECK_THAT(refusal("Conv2D", with("kernel_dims", Ints{3, 0})), ContainsSubstring("kernel_dims with 2 entries"));
  CHECK_THAT(refusal("Conv2D", with("kernel_dims", Ints{3, 3, 3})), ContainsSubstring("kernel_dims with 2 entries"));
  CHECK(refusal("Conv2D", with("groups", std::int64_t{0})) == "[operator::Conv2D] expected groups in [1, 2147483647], got 0");
  CHECK(refusal("Conv2D", with("auto_pad", std::string("SAME"))) ==
        "[operator::Conv2D] expected auto_pad to be one of \"NOTSET\", \"SAME_UPPER\", \"SAME_LOWER\", \"VALID\", got \"SAME\"");
}

TEST_CASE("Inputs that do not fit a convolution are refused", "[conv]") {
  CHECK(refusal("Conv2D", {}, {{3, 5, 5}, {4, 3, 3, 3}, {}}) == "[operator::Conv2D] expected data of rank 4, got [3, 5, 5]");
  CHECK(refusal("Conv2D", {}, {{1, 3, 5, 5}, {}, {}}) == "[operator::Conv2D] expected weight of rank 4, got []");
  CHECK(refusal("Conv2D", {}, {{1, 3, 5, 5}, {4, 3, 3, 3}, {5}}) == "[operator::Conv2D] expected bias [4], got [5]");
  CHECK(refusal("Conv2D", {}, {{1, 3, 2, 5}, {4, 3, 3, 3}, {}}) ==
        "[operator::Conv2D] expected a window no larger than the padded data, got extent 3 on axis 2 of [1, 3, 2, 5] with padding 0 + 0");
  CHECK(refusal("Conv2D", with("kernel_dims", Ints{5, 5}), {{1, 3, 9, 9}, {4, 3, 3, 3}, {}}) ==
        "[operator::Conv2D] expected a weight with the kernel [5, 5] of kernel_dims, got [3, 3]");
  CHECK(refusal("Conv2D", {}, {{1, -1, 5, 5}, {4, 3, 3, 3}, {}}) ==
        "[operator::Conv2D] expected dims that are all known and not negative, got data [1, ?, 5, 5]");
  CHECK_THAT(refusal("Conv2D", {}, {{1, 3, 5, 5}, {4, 3, 0, 3}, {}}), ContainsSubstring("a kernel of 2 extents in [1, 2147483647]"));
  CHECK_THAT(refusal("Conv2D", {}, {{1, 3, kHuge, kHuge}, {4, 3, 3, 3}, {}}), ContainsSubstring("a product of dims that fits memory"));
  CHECK_THAT(refusal("Conv2D", {}, {{1, 0, 5, 5}, {4, 0, 3, 3}, {}}), ContainsSubstring("expected a weight"));
}

TEST_CASE("A window that overflows 32 bits is refused, not wrapped", "[conv]") {
  const AttributeMap attributes{{"dilation_dims", Ints{2147483647}}, {"padding_dims", Ints{2147483647, 2147483647}}};
  CHECK_THAT(refusal("Conv1D", attributes, {{1, 1, 5}, {1, 1, 2147483647}, {}}),
             ContainsSubstring("a window no larger than the padded data"));
  CHECK_THAT(refusal("Conv1D", with("dilation_dims", Ints{2147483647}), {{1, 1, 5}, {1, 1, DimSize_t{1} << 40}, {}}),
             ContainsSubstring("a kernel of 1 extents in [1, 2147483647], got [1099511627776]"));
}

TEST_CASE("A missing bias has no type to compare", "[conv]") {
  auto given = infos({{1, 3, 5, 5}, {4, 3, 3, 3}}, DataType::Float64);
  given.push_back({.dims = {}, .missing = true});
  CHECK(Operator("Conv2D").infer(given)[0].dtype == DataType::Float64);
}

TEST_CASE("Types that differ between data and weight are refused", "[conv]") {
  auto given = infos({{1, 3, 5, 5}, {4, 3, 3, 3}, {}});
  given[1].dtype = DataType::Float64;
  CHECK(refusal([&] { static_cast<void>(Operator("Conv2D").infer(given)); }) ==
        "[operator::Conv2D] expected weight of the same type as data (float32), got float64");
  CHECK(refusal([] { static_cast<void>(Operator("Conv2D").infer(infos({{1, 3, 5, 5}, {4, 3, 3, 3}, {}}, DataType::Int64))); }) ==
        "[operator::Conv2D] expected data of a floating point type, got int64");
}

TEST_CASE("Conv makes zero-filled parameters named after it", "[conv]") {
  const NodePtr node = Conv<2>(6, 4, {3, 5}, "conv", {2, 1}, {1, 1}, false, 2);
  CHECK(node->type() == "Conv2D");
  REQUIRE(node->getParent(1));
  CHECK(node->getParent(1)->name() == "conv_w");
  CHECK(node->getParent(1)->getOperator()->getOutput(0)->dims() == Dims{4, 3, 3, 5});
  CHECK(node->getParent(2)->name() == "conv_b");
  CHECK(node->getParent(2)->getOperator()->getOutput(0)->toDoubles() == std::vector<double>(4, 0.0));
  CHECK(inferred(*node->getOperator(), {{1, 6, 9, 9}, {4, 3, 3, 5}, {4}}) == Dims{1, 4, 4, 5});
}

TEST_CASE("Conv without bias leaves that input free", "[conv]") {
  CHECK(Conv<1>(2, 2, {1}, "c", {1}, {1}, true)->getParent(2) == nullptr);
  CHECK(PaddedConvDepthWise<2>(3, {3, 3}, "d", {1, 1}, {1, 1, 1, 1}, {1, 1}, true)->getParent(2) == nullptr);
}

TEST_CASE("A depthwise convolution has one group a channel", "[conv]") {
  const NodePtr node = PaddedConvDepthWise<2>(5, {3, 3}, "dw", {1, 1}, {1, 1, 1, 1});
  CHECK(node->getOperator()->attribute<std::int64_t>("groups") == 5);
  CHECK(node->getParent(1)->getOperator()->getOutput(0)->dims() == Dims{5, 1, 3, 3});
  CHECK(inferred(*node->getOperator(), {{1, 5, 7, 7}, {5, 1, 3, 3}, {5}}) == Dims{1, 5, 7, 7});
}

TEST_CASE("Conv refuses counts below one and groups that do not divide", "[conv]") {
  CHECK(refusal([] { static_cast<void>(Conv<2>(0, 4, {3, 3})); }) == "[operator::Conv2D] expected in_channels of at least 1, got 0");
  CHECK(refusal([] { static_cast<void>(Conv<2>(4, -1, {3, 3})); }) == "[operator::Conv2D] expected out_channels of at least 1, got -1");
  CHECK(refusal([] { static_cast<void>(Conv<2>(4, 4, {3, 3}, "", {1, 1}, {1, 1}, false, 3)); }) ==
        "[operator::Conv2D] expected in_channels and out_channels to be multiples of groups = 3, got 4 and 4");
  CHECK_THAT(refusal([] { static_cast<void>(ConvDepthWise<2>(0, {3, 3})); }), ContainsSubstring("in_channels of at least 1"));
  CHECK_THROWS_AS((Conv<2>(kHuge, kHuge, {3, 3})), std::invalid_argument);
}

TEST_CASE("A transposed convolution grows by stride and kernel", "[conv]") {
  CHECK(inferred("ConvTranspose1D", with("stride_dims", Ints{2}), {{1, 3, 5}, {3, 4, 3}, {4}}) == Dims{1, 4, 11});
  const AttributeMap padded{{"stride_dims", Ints{2, 2}}, {"padding_dims", Ints{1, 1, 1, 1}}, {"output_padding", Ints{1, 0}}};
  CHECK(inferred("ConvTranspose2D", padded, {{1, 3, 5, 5}, {3, 4, 3, 3}, {}}) == Dims{1, 4, 10, 9});
  CHECK(inferred("ConvTranspose2D", with("groups", std::int64_t{2}), {{1, 4, 2, 2}, {4, 3, 1, 1}, {6}}) == Dims{1, 6, 2, 2});
}

TEST_CASE("A transposed convolution with automatic padding multiplies the extent with the stride", "[conv]") {
  for (const std::string mode : {"SAME_UPPER", "SAME_LOWER"}) {
    const AttributeMap attributes{{"stride_dims", Ints{2}}, {"auto_pad", mode}};
    CHECK(inferred("ConvTranspose1D", attributes, {{1, 1, 7}, {1, 1, 5}, {}}) == Dims{1, 1, 14});
  }
}

TEST_CASE("Automatic padding never widens a transposed convolution", "[conv]") {
  const AttributeMap attributes{{"stride_dims", Ints{3}}, {"auto_pad", std::string("SAME_UPPER")}};
  CHECK(inferred("ConvTranspose1D", attributes, {{1, 1, 7}, {1, 1, 1}, {}}) == Dims{1, 1, 19});
}

TEST_CASE("The output shape of a transposed convolution can be given", "[conv]") {
  const AttributeMap attributes{{"stride_dims", Ints{2}}, {"output_shape", Ints{9}}};
  const Operator op("ConvTranspose1D", attributes);
  CHECK(inferred(op, {{1, 1, 5}, {1, 1, 3}, {}}) == Dims{1, 1, 9});
}

TEST_CASE("Hostile attributes of a transposed convolution are refused", "[conv]") {
  CHECK(refusal("ConvTranspose2D", with("output_padding", Ints{0, 1})) ==
        "[operator::ConvTranspose2D] expected output_padding smaller than stride_dims or dilation_dims, got [0, 1]");
  CHECK_THAT(refusal("ConvTranspose2D", with("output_shape", Ints{0, 1})), ContainsSubstring("output_shape with 2 entries in [1, "));
  CHECK(refusal("ConvTranspose1D", with("padding_dims", Ints{2, 2}), {{1, 1, 1}, {1, 1, 3}, {}}) ==
        "[operator::ConvTranspose1D] expected padding that leaves an output, got extent -1 on axis 2");
  CHECK(refusal("ConvTranspose1D", {}, {{1, 2, 5}, {3, 1, 3}, {}}) ==
        "[operator::ConvTranspose1D] expected data with 3 channels, as the weight has, got [1, 2, 5]");
  CHECK_THROWS_AS(inferred("ConvTranspose1D", with("stride_dims", Ints{2147483647}), {{1, 1, kHuge / 32}, {1, 1, 3}, {}}),
                  std::invalid_argument);
  CHECK_THROWS_AS(inferred("ConvTranspose1D", with("groups", std::int64_t{2}), {{1, 2, 4}, {2, kHuge / 32, 3}, {}}), std::invalid_argument);
}

TEST_CASE("A transposed convolution without output or with indivisible groups is refused", "[conv]") {
  CHECK_THAT(refusal("ConvTranspose1D", with("padding_dims", Ints{2, 1}), {{1, 1, 1}, {1, 1, 3}, {}}),
             ContainsSubstring("got extent 0 on axis 2"));
  CHECK(refusal("ConvTranspose1D", with("groups", std::int64_t{2}), {{1, 3, 5}, {3, 1, 3}, {}}) ==
        "[operator::ConvTranspose1D] expected a weight (in, out / groups, kernel) whose in is a multiple of groups = 2, got [3, 1, 3]");
}

TEST_CASE("A transposed convolution's multiply-accumulates are input elements times outputs a group times kernel", "[conv]") {
  CHECK(macsOf(Operator("ConvTranspose2D"), {{2, 3, 5, 5}, {3, 4, 3, 3}, {}}) == 2.0 * 3 * 25 * 4 * 9);
}

TEST_CASE("ConvTranspose makes its parameters in the transposed order", "[conv]") {
  const NodePtr node = ConvTranspose<2>(4, 6, {2, 2}, "up", {2, 2}, {1, 1}, false, {0, 0, 0, 0}, {0, 0}, 2);
  CHECK(node->getParent(1)->getOperator()->getOutput(0)->dims() == Dims{4, 3, 2, 2});
  CHECK(node->getParent(2)->getOperator()->getOutput(0)->dims() == Dims{6});
  CHECK(inferred(*node->getOperator(), {{1, 4, 3, 3}, {4, 3, 2, 2}, {6}}) == Dims{1, 6, 6, 6});
}
