#include "layers/Layers.hpp"

#include <algorithm>
#include <numeric>

#include "aidge/nodes/ConvTranspose.hpp"
#include "aidge/nodes/Convolution.hpp"
#include "aidge/nodes/Elementwise.hpp"
#include "aidge/nodes/FullyConnected.hpp"
#include "catch.hpp"

using namespace Aidge;

namespace {

/// 1, 2, 3 … as float32.
Tensor counting(const Dims& dims) {
  std::vector<float> values(elementCount(dims));
  std::iota(values.begin(), values.end(), 1.0F);
  return Tensor::fromValues<float>(dims, std::span<const float>(values));
}

/// What each element was multiplied with.
std::vector<double> factorsOf(const Operator& op, const Tensor& weight, const std::vector<double>& factor) {
  std::vector<double> result = layers::scaledWeight(op, weight, factor).toDoubles();
  const std::vector<double> before = weight.toDoubles();
  for (std::size_t i = 0; i < result.size(); ++i) result[i] /= before[i];
  return result;
}

std::vector<TensorInfo> infos(const std::vector<Dims>& dims) {
  std::vector<TensorInfo> result;
  for (const Dims& entry : dims) result.push_back({entry, DataType::Float32, nullptr});
  return result;
}

double workOf(const Operator& op, const std::vector<Dims>& inputs) {
  auto given = infos(inputs);
  for (std::size_t i = 0; i < given.size(); ++i) given[i].missing = inputs[i].empty();
  return layers::workOf(op, given, op.infer(given));
}

}  // namespace

TEST_CASE("A weight is scaled along its output channels, wherever its layer has them", "[layers]") {
  const std::vector<double> factor{2.0, 4.0, 8.0, 16.0};
  const std::vector<double> rows{2, 2, 2, 2, 4, 4, 4, 4, 8, 8, 8, 8, 16, 16, 16, 16};
  CHECK(factorsOf(Operator("Conv1D", {{"groups", std::int64_t{2}}}), counting({4, 2, 2}), factor) == rows);
  CHECK(factorsOf(Operator("FC"), counting({4, 4}), factor) == rows);
  // (in, out / groups, kernel): the first two inputs make outputs 0 and 1, the others 2 and 3.
  const std::vector<double> columns{2, 2, 4, 4, 2, 2, 4, 4, 8, 8, 16, 16, 8, 8, 16, 16};
  const Operator transposed("ConvTranspose1D", {{"groups", std::int64_t{2}}});
  CHECK(factorsOf(transposed, counting({4, 2, 2}), factor) == columns);
  CHECK(layers::outputChannels(transposed, {4, 2, 2}) == 4);
  for (const DataType type : {DataType::Float64, DataType::Float16}) {
    const Tensor weight = counting({4, 2, 2}).cast(type);
    CHECK(layers::scaledWeight(transposed, weight, factor).dataType() == type);
    CHECK(factorsOf(transposed, weight, factor) == columns);
  }
}

TEST_CASE("A bias is mapped, and a missing one is zeros", "[layers]") {
  const ChannelAffine map{{2.0, -1.0}, {0.5, 1.0}};
  const Tensor bias = counting({2});
  CHECK(layers::mappedBias(&bias, map, DataType::Float64).toDoubles() == std::vector{2.5, -1.0});
  CHECK(layers::mappedBias(nullptr, map, DataType::Float32).toDoubles() == map.offset);
}

TEST_CASE("Parameters are the elements of floating-point producers, each once, however deep", "[layers]") {
  const NodePtr fc = FC(3, 2);
  const NodePtr other = FC(3, 2);
  other->setInput(1, fc->getParent(1));
  const NodePtr gather = makeNode("Gather");
  gather->setInput(1, Producer(Tensor::fromValues<std::int64_t>({2}, {0, 1})));
  const std::vector<std::variant<NodePtr, GraphViewPtr>> inside{fc};
  const std::vector<std::variant<NodePtr, GraphViewPtr>> parts{MetaOperator("Block", sequential(inside)), gather};
  CHECK(layers::parametersOf(*sequential(parts)) == 8.0);
  CHECK(layers::parametersOf(std::vector{fc, other, gather}) == 10.0);
}

TEST_CASE("Merging counts every linear operator, and nothing else but multiply-accumulates", "[layers]") {
  CHECK(workOf(Operator("Conv2D"), {{2, 3, 8, 8}, {4, 3, 3, 3}, {}}) == 2.0 * 4 * 6 * 6 * 3 * 9);
  CHECK(workOf(Operator("BatchNorm2D"), {{2, 3, 4, 4}, {3}, {3}, {3}, {3}}) == 96.0);
  CHECK(workOf(Operator("Sub"), {{2, 3, 4, 4}, {1}}) == 96.0);
  CHECK(workOf(Operator("AvgPooling2D", {{"kernel_dims", std::vector<std::int64_t>{2, 2}}}), {{2, 3, 4, 4}}) == 2.0 * 3 * 9 * 4);
  CHECK(workOf(Operator("GlobalAveragePooling"), {{2, 3, 4, 4}}) == 96.0);
  CHECK(workOf(Operator("Tanh"), {{2, 3, 4, 4}}) == 0.0);
  CHECK(workOf(Operator("MaxPooling2D", {{"kernel_dims", std::vector<std::int64_t>{2, 2}}}), {{2, 3, 4, 4}}) == 0.0);
}

TEST_CASE("A node is an affine map by the constants that feed it in its graph", "[layers]") {
  const NodePtr product = Mul("product");
  product->setInput(1, Producer(counting({2, 1, 1}), "factor"));
  const std::vector<std::variant<NodePtr, GraphViewPtr>> parts{product};
  const GraphViewPtr graph = sequential(parts);
  CHECK(layers::affineOf(*graph, *product, 0, {1, 2, 3, 3})->factor == std::vector{1.0, 2.0});
  CHECK(layers::parameter(*graph, *product, 1) == std::vector{1.0, 2.0});
  CHECK_FALSE(layers::affineOf(*graph, *product, 1, {1, 2, 3, 3}));
  product->getParent(1)->getOperator()->setOutput(0, Tensor::fromValues<std::int64_t>({1}, {2}));
  CHECK(layers::constantAt(*graph, *product, 1) == nullptr);
}
