// Through the path of Aidge's own header, which must be enough for all of FIBNLR.
#include "aidge/recipes/fibnlr.hpp"

#include <span>
#include <stdexcept>
#include <vector>

#include "aidge/graph/GraphView.hpp"
#include "aidge/nodes/Convolution.hpp"
#include "aidge/operator/Operator.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::fibnlr;
using Catch::Matchers::ContainsSubstring;
using Ints = std::vector<std::int64_t>;

TEST_CASE("Convolutions of one, two and three dimensions are told from the rest", "[fibnlr][ConvolutionHelpers]") {
  REQUIRE(isConv(Conv<1>(1, 1, {3})));
  REQUIRE(isConv(Conv<2>(1, 1, {3, 3})));
  REQUIRE(isConv(Conv<3>(1, 1, {3, 3, 3})));
  REQUIRE(isConv(ConvDepthWise<2>(4, {3, 3})));
  REQUIRE_FALSE(isConv(makeNode("ConvTranspose2D")));
  REQUIRE_FALSE(isConv(makeNode("ReLU")));
  REQUIRE(isTensor(makeNode("ReLU")));
  REQUIRE_FALSE(isTensor(GenericOperator("Mystery", 1, 1)));
}

TEST_CASE("A child is a direct consumer", "[fibnlr][ConvolutionHelpers]") {
  const NodePtr a = makeNode("ReLU", {}, "a");
  const NodePtr b = makeNode("ReLU", {}, "b");
  const NodePtr c = makeNode("ReLU", {}, "c");
  a->addChild(b);
  b->addChild(c);
  REQUIRE(isChildOf(b, a));
  REQUIRE_FALSE(isChildOf(a, b));
  REQUIRE_FALSE(isChildOf(c, a));
}

TEST_CASE("Kernel, strides and channels are read, with groups", "[fibnlr][ConvolutionHelpers]") {
  const NodePtr conv = Conv<2>(6, 8, {3, 5}, "conv", {2, 1}, {1, 1}, true, 2);
  REQUIRE(getKernelDims<2>(conv) == std::array<DimSize_t, 2>{3, 5});
  REQUIRE(getKernelStrides<2>(conv) == std::array<DimSize_t, 2>{2, 1});
  REQUIRE(inChannels<2>(conv) == 6);
  REQUIRE(outChannels<2>(conv) == 8);
  REQUIRE(inChannels<1>(Conv<1>(3, 4, {3})) == 3);
  REQUIRE(outChannels<3>(Conv<3>(3, 4, {3, 3, 3})) == 4);
}

TEST_CASE("A node of another kind is an error that names it", "[fibnlr][ConvolutionHelpers]") {
  REQUIRE_THROWS_WITH(getKernelDims<2>(makeNode("ReLU", {}, "act")), ContainsSubstring("Conv2D") && ContainsSubstring("act"));
  REQUIRE_THROWS_AS(inChannels<1>(Conv<2>(1, 1, {3, 3})), std::invalid_argument);
  REQUIRE_THROWS_AS(isConv(nullptr), std::invalid_argument);
  REQUIRE_THROWS_AS(isChildOf(nullptr, nullptr), std::invalid_argument);
}

TEST_CASE("The kernel and stride formulas hold", "[fibnlr][ConvolutionHelpers]") {
  REQUIRE(computeKernelDims<2>({3, 1}, {3, 5}, {2, 4}) == std::array<DimSize_t, 2>{7, 5});
  REQUIRE(computeKernelDims<1>({1}, {1}, {7}) == std::array<DimSize_t, 1>{1});
  REQUIRE(computeKernelStrides<3>({1, 2, 3}, {4, 5, 6}) == std::array<DimSize_t, 3>{4, 10, 18});
}

TEST_CASE("A merged convolution has a's inputs, b's outputs and the kernel of a followed by b", "[fibnlr][ConvolutionHelpers]") {
  const NodePtr merged = convFrom<2>(Conv<2>(3, 8, {1, 1}, "a", {2, 2}), Conv<2>(8, 16, {3, 3}, "b"));
  REQUIRE(merged != nullptr);
  REQUIRE(merged->type() == "Conv2D");
  REQUIRE(getKernelDims<2>(merged) == std::array<DimSize_t, 2>{5, 5});
  REQUIRE(getKernelStrides<2>(merged) == std::array<DimSize_t, 2>{2, 2});
  REQUIRE(inChannels<2>(merged) == 3);
  REQUIRE(outChannels<2>(merged) == 16);
  for (const NodePtr& parent : merged->getParents()) REQUIRE(parent == nullptr);
  REQUIRE(merged->getChildren().empty());
}

TEST_CASE("Dilation and padding go into the merged convolution", "[fibnlr][ConvolutionHelpers]") {
  const NodePtr a = PaddedConv<2>(3, 8, {3, 3}, "a", {2, 1}, {1, 0, 1, 2}, {1, 2});
  const NodePtr b = PaddedConv<2>(8, 4, {3, 2}, "b", {1, 3}, {1, 1, 0, 1}, {2, 1});
  const NodePtr merged = convFrom<2>(a, b);
  // Axis 0: a covers 3 at stride 2, b covers 5: (5 - 1) * 2 + 3. Axis 1: a covers 5 at stride 1, b covers 2: (2 - 1) * 1 + 5.
  REQUIRE(getKernelDims<2>(merged) == std::array<DimSize_t, 2>{11, 6});
  REQUIRE(getKernelStrides<2>(merged) == std::array<DimSize_t, 2>{2, 3});
  REQUIRE(merged->getOperator()->attribute<Ints>("padding_dims") == Ints{1 + 2 * 1, 0 + 1 * 1, 1 + 2 * 0, 2 + 1 * 1});
  REQUIRE(merged->getOperator()->attribute<Ints>("dilation_dims") == Ints{1, 1});
}

TEST_CASE("The merged convolution gives the output dims of the two", "[fibnlr][ConvolutionHelpers]") {
  const auto outputDims = [](const std::vector<NodePtr>& nodes) {
    const std::vector<std::variant<NodePtr, GraphViewPtr>> parts(nodes.begin(), nodes.end());
    const auto graph = sequential(parts);
    graph->forwardDims({{1, 3, 29, 31}});
    return nodes.back()->getOperator()->getOutput(0)->dims();
  };
  const NodePtr a = PaddedConv<2>(3, 8, {3, 3}, "a", {2, 1}, {1, 2, 1, 2}, {1, 2});
  const NodePtr b = PaddedConv<2>(8, 4, {3, 2}, "b", {1, 3}, {1, 1, 0, 1}, {2, 1});
  const NodePtr merged = convFrom<2>(a, b);
  Producer(Tensor::full(merged->getOperator()->getInput(1)->dims(), 0.0), "w")->addChild(merged, 0, 1);
  REQUIRE(outputDims({a, b}) == outputDims({merged}));
}

TEST_CASE("What cannot merge gives nothing", "[fibnlr][ConvolutionHelpers]") {
  const NodePtr a = Conv<2>(4, 8, {3, 3});
  REQUIRE(convFrom<2>(a, Conv<2>(6, 8, {3, 3})) == nullptr);
  REQUIRE(convFrom<2>(a, makeNode("ReLU")) == nullptr);
  REQUIRE(convFrom<2>(a, Conv<1>(8, 8, {3})) == nullptr);
  REQUIRE(convFrom<1>(a, a) == nullptr);
  const NodePtr same = Conv<2>(8, 8, {3, 3}, "", {2, 2});
  same->getOperator()->setAttribute("auto_pad", std::string("SAME_UPPER"));
  REQUIRE(convFrom<2>(a, same) == nullptr);
}

TEST_CASE("Depthwise convolutions of one channel each merge to one", "[fibnlr][ConvolutionHelpers]") {
  const NodePtr merged = convFrom<2>(ConvDepthWise<2>(6, {3, 3}), ConvDepthWise<2>(6, {5, 5}));
  REQUIRE(merged != nullptr);
  REQUIRE(merged->getOperator()->attribute<std::int64_t>("groups") == 6);
  REQUIRE(inChannels<2>(merged) == 6);
  REQUIRE(getKernelDims<2>(merged) == std::array<DimSize_t, 2>{7, 7});
}

TEST_CASE("The groups of the merged convolution are the common divisor", "[fibnlr][ConvolutionHelpers]") {
  const auto groups = [](const NodePtr& a, const NodePtr& b) {
    return convFrom<2>(a, b)->getOperator()->attribute<std::int64_t>("groups");
  };
  const auto grouped = [](DimSize_t in, DimSize_t out, DimSize_t count) {
    return Conv<2>(in, out, {3, 3}, "", {1, 1}, {1, 1}, false, count);
  };
  REQUIRE(groups(grouped(8, 8, 4), grouped(8, 4, 4)) == 4);
  REQUIRE(groups(grouped(8, 8, 4), grouped(8, 8, 2)) == 2);
  REQUIRE(groups(ConvDepthWise<2>(6, {3, 3}), Conv<2>(6, 4, {1, 1})) == 1);
  REQUIRE(groups(Conv<2>(4, 6, {1, 1}), ConvDepthWise<2>(6, {3, 3})) == 1);
  const NodePtr merged = convFrom<2>(grouped(8, 8, 4), grouped(8, 8, 2));
  REQUIRE(inChannels<2>(merged) == 8);
}

namespace {

/// A convolution over one channel with these taps.
NodePtr taps(std::vector<float> values, const std::array<DimSize_t, 1>& stride = {1}, const std::array<DimSize_t, 2>& padding = {0, 0},
             float bias = 0.0F) {
  const auto size = static_cast<DimSize_t>(values.size());
  const NodePtr node = PaddedConv<1>(1, 1, {size}, "", stride, padding);
  node->getParent(1)->getOperator()->setOutput(0, Tensor::fromValues<float>({1, 1, size}, std::span<const float>(values)));
  node->getParent(2)->getOperator()->setOutput(0, Tensor::fromValues<float>({1}, {bias}));
  return node;
}

std::vector<double> valuesAt(const NodePtr& node, IOIndex_t index) {
  return node->getParent(index)->getOperator()->getOutput(0)->toDoubles();
}

}  // namespace

TEST_CASE("Merged taps are the product of polynomials, spread by the first stride", "[fibnlr][ConvolutionHelpers]") {
  const NodePtr plain = mergeConv<1>(taps({1, 2, 3}, {1}, {0, 0}, 5), taps({4, 5}, {1}, {0, 0}, 7));
  REQUIRE(valuesAt(plain, 1) == std::vector<double>{4, 13, 22, 15});
  REQUIRE(valuesAt(plain, 2) == std::vector<double>{(4 + 5) * 5 + 7});
  const NodePtr strided = mergeConv<1>(taps({1, 2}, {2}), taps({3, 4}));
  REQUIRE(valuesAt(strided, 1) == std::vector<double>{3, 6, 4, 8});
  REQUIRE(getKernelStrides<1>(strided) == std::array<DimSize_t, 1>{2});
}

TEST_CASE("A bias is there if either has one", "[fibnlr][ConvolutionHelpers]") {
  const NodePtr a = Conv<1>(1, 1, {1}, "", {1}, {1}, true);
  REQUIRE(mergeConv<1>(a, a)->getParent(2) == nullptr);
  REQUIRE(mergeConv<1>(a, Conv<1>(1, 1, {1}))->getParent(2) != nullptr);
  REQUIRE(mergeConv<1>(Conv<1>(1, 1, {1}), a)->getParent(2) != nullptr);
}

TEST_CASE("Merging wants constant weights, and what fits", "[fibnlr][ConvolutionHelpers]") {
  const NodePtr a = Conv<1>(1, 1, {1});
  const NodePtr fed = convFrom<1>(a, a);
  REQUIRE_THROWS_WITH(mergeConv<1>(a, fed), ContainsSubstring("fibnlr::mergeConv") && ContainsSubstring("constant weight"));
  REQUIRE(mergeConv<1>(a, Conv<1>(2, 1, {1})) == nullptr);
  REQUIRE(mergeConv<2>(a, a) == nullptr);
}

TEST_CASE("Whether a merge is exact at the border is known", "[fibnlr][ConvolutionHelpers]") {
  const NodePtr padded = taps({1, 1, 1}, {1}, {1, 1});
  REQUIRE(mergesExactly<1>(padded, taps({1, 1, 1})));
  REQUIRE(mergesExactly<1>(taps({2}), padded));
  REQUIRE_FALSE(mergesExactly<1>(taps({2}, {1}, {0, 0}, 1), padded));
  REQUIRE_FALSE(mergesExactly<1>(padded, padded));
  REQUIRE(mergesExactly<1>(taps({1, 1, 1}, {1}, {2, 2}), padded));
  // With stride 2 the right border depends on whether the size is odd.
  REQUIRE_FALSE(mergesExactly<1>(taps({1, 1, 1}, {2}, {1, 1}), padded));
  REQUIRE(mergesExactly<1>(taps({2}, {3}), padded));
  REQUIRE_FALSE(mergesExactly<1>(padded, makeNode("ReLU")));
}

TEST_CASE("Same padding without stride is known and goes in", "[fibnlr][ConvolutionHelpers]") {
  const NodePtr a = Conv<1>(1, 1, {4});
  a->getOperator()->setAttribute("auto_pad", std::string("SAME_LOWER"));
  const NodePtr merged = convFrom<1>(a, Conv<1>(1, 1, {1}));
  REQUIRE(merged->getOperator()->attribute<Ints>("padding_dims") == Ints{2, 1});
}
