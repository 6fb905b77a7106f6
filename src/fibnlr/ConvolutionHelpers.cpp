#include "aidge/fibnlr/ConvolutionHelpers.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "aidge/core/Errors.hpp"
#include "aidge/graph/MakeNode.hpp"
#include "aidge/recipes/ConvMap.hpp"

namespace Aidge::fibnlr {

namespace {

using Ints = std::vector<std::int64_t>;

const Operator& operatorOf(const NodePtr& node) {
  if (!node) throwExpected("fibnlr::convolution", "a node", "none");
  return *node->getOperator();
}

std::string typeOf(DimIdx_t dim) { return "Conv" + std::to_string(dim) + "D"; }

const Operator& convOf(const NodePtr& node, DimIdx_t dim) {
  const Operator& op = operatorOf(node);
  if (op.type() != typeOf(dim)) throwExpected("fibnlr::convolution", "a " + typeOf(dim), node->describe());
  return op;
}

/// The attribute; 1 on every axis where it is left out.
template <DimIdx_t DIM> std::array<DimSize_t, DIM> window(const NodePtr& node, std::string_view attribute) {
  const auto& values = convOf(node, DIM).attribute<Ints>(attribute);
  std::array<DimSize_t, DIM> result;
  result.fill(1);
  if (!values.empty() && values.size() != DIM) {
    throwExpected("fibnlr::convolution", std::to_string(DIM) + " " + std::string(attribute) + " on " + node->describe(),
                  std::to_string(values.size()));
  }
  std::copy(values.begin(), values.end(), result.begin());
  return result;
}

/// Dims of the weight: (outChannels, inChannels / groups, kernel …).
Dims weightDims(const NodePtr& node) {
  const auto& [producer, index] = node->input(1);
  const auto weight = producer ? producer->getOperator()->getOutput(index) : node->getOperator()->getInput(1);
  if (!weight || weight->nbDims() < 2) throwExpected("fibnlr::convolution", "a weight of known dims on " + node->describe(), "none");
  return weight->dims();
}

template <std::size_t N> Ints toInts(const std::array<DimSize_t, N>& values) { return Ints(values.begin(), values.end()); }

/// Values of a constant input; nothing where there is no producer with values.
std::vector<double> constantValues(const NodePtr& node, IOIndex_t index) {
  const auto& [producer, output] = node->input(index);
  if (!producer || !producer->getOperator()->isProducer() || !producer->getOperator()->getOutput(output)->hasData()) return {};
  return producer->getOperator()->getOutput(output)->toDoubles();
}

/// nullopt if the padding depends on the image size.
template <DimIdx_t DIM> std::optional<ConvShape> shapeOf(const NodePtr& node) {
  auto shape = convShape(convOf(node, DIM), Dims(DIM, kDynamicDim), weightDims(node));
  const auto bias = constantValues(node, 2);
  if (shape) shape->hasBias = std::any_of(bias.begin(), bias.end(), [](double value) { return value != 0.0; });
  return shape;
}

bool isConvOf(const Operator& op, DimIdx_t dim) { return op.role() == Role::Convolution && op.traits().spatial == dim; }

/// Both shapes; nullopt if a and b cannot merge.
template <DimIdx_t DIM> std::optional<std::pair<ConvShape, ConvShape>> shapesOf(const NodePtr& a, const NodePtr& b) {
  if (!isConvOf(operatorOf(a), DIM) || !isConvOf(operatorOf(b), DIM)) return std::nullopt;
  auto first = shapeOf<DIM>(a);
  auto second = shapeOf<DIM>(b);
  if (!first || !second || first->out != second->in) return std::nullopt;
  return std::pair(std::move(*first), std::move(*second));
}

ConvMap loaded(const NodePtr& node, ConvShape shape) {
  ConvMap map{std::move(shape), constantValues(node, 1), constantValues(node, 2)};
  if (map.weight.empty() || (node->getParent(2) && map.bias.empty()))
    throwExpected("fibnlr::mergeConv", "constant weight and bias of " + node->describe(), "none");
  return map;
}

}  // namespace

bool isConv(const NodePtr& node) { return operatorOf(node).role() == Role::Convolution; }

bool isTensor(const NodePtr& node) { return !operatorOf(node).isGeneric(); }

bool isChildOf(const NodePtr& child, const NodePtr& parent) {
  if (!child || !parent) throwExpected("fibnlr::isChildOf", "two nodes", "none");
  const auto parents = child->getParents();
  return std::find(parents.begin(), parents.end(), parent) != parents.end();
}

template <DimIdx_t DIM> std::array<DimSize_t, DIM> getKernelDims(const NodePtr& node) {
  if (!convOf(node, DIM).attribute<Ints>("kernel_dims").empty()) return window<DIM>(node, "kernel_dims");
  const Dims weight = weightDims(node);
  if (weight.size() != DIM + 2)
    throwExpected("fibnlr::convolution", "a weight of rank " + std::to_string(DIM + 2) + " on " + node->describe(),
                  Aidge::toString(weight));
  std::array<DimSize_t, DIM> result;
  std::copy(weight.begin() + 2, weight.end(), result.begin());
  return result;
}

template <DimIdx_t DIM> std::array<DimSize_t, DIM> getKernelStrides(const NodePtr& node) { return window<DIM>(node, "stride_dims"); }

template <DimIdx_t DIM> DimSize_t inChannels(const NodePtr& node) {
  const Operator& op = convOf(node, DIM);
  return weightDims(node)[1] * op.attribute<std::int64_t>("groups");
}

template <DimIdx_t DIM> DimSize_t outChannels(const NodePtr& node) {
  static_cast<void>(convOf(node, DIM));
  return weightDims(node)[0];
}

template <DimIdx_t DIM>
std::array<DimSize_t, DIM> computeKernelDims(const std::array<DimSize_t, DIM>& aDims, const std::array<DimSize_t, DIM>& bDims,
                                             const std::array<DimSize_t, DIM>& bStrides) {
  std::array<DimSize_t, DIM> result;
  for (DimIdx_t i = 0; i < DIM; ++i) result[i] = (aDims[i] - 1) * bStrides[i] + bDims[i];
  return result;
}

template <DimIdx_t DIM>
std::array<DimSize_t, DIM> computeKernelStrides(const std::array<DimSize_t, DIM>& aStrides, const std::array<DimSize_t, DIM>& bStrides) {
  std::array<DimSize_t, DIM> result;
  for (DimIdx_t i = 0; i < DIM; ++i) result[i] = aStrides[i] * bStrides[i];
  return result;
}

template <DimIdx_t DIM> NodePtr convFrom(const NodePtr& a, const NodePtr& b) {
  const auto shapes = shapesOf<DIM>(a, b);
  if (!shapes) return nullptr;
  const ConvShape shape = compose(shapes->first, shapes->second);
  const auto extents = [](const ConvShape& s) {
    std::array<DimSize_t, DIM> result;
    for (DimIdx_t i = 0; i < DIM; ++i) result[i] = s.extent(i);
    return result;
  };
  const auto kernel = computeKernelDims<DIM>(extents(shapes->second), extents(shapes->first), getKernelStrides<DIM>(a));
  Ints padding(shape.padBegin);
  padding.insert(padding.end(), shape.padEnd.begin(), shape.padEnd.end());
  const NodePtr merged = makeNode(typeOf(DIM), {{"kernel_dims", toInts(kernel)},
                                                {"stride_dims", Ints(shape.stride)},
                                                {"padding_dims", padding},
                                                {"groups", std::int64_t{shape.groups}}});
  Dims weight{shape.out, shape.in / shape.groups};
  weight.insert(weight.end(), kernel.begin(), kernel.end());
  merged->getOperator()->setInput(1, Tensor(std::move(weight)));
  return merged;
}

template <DimIdx_t DIM> NodePtr mergeConv(const NodePtr& a, const NodePtr& b) {
  const auto shapes = shapesOf<DIM>(a, b);
  if (!shapes) return nullptr;
  const ConvMap map = withoutDilation(compose(loaded(a, shapes->first), loaded(b, shapes->second)));
  const NodePtr merged = convFrom<DIM>(a, b);
  const DataType dtype = a->getParent(1)->getOperator()->getOutput(a->input(1).index)->dataType();
  const auto feed = [&](IOIndex_t index, Dims dims, const std::vector<double>& values) {
    merged->setInput(index, Producer(Tensor::fromValues<double>(std::move(dims), std::span<const double>(values)).cast(dtype)));
  };
  feed(1, merged->getOperator()->getInput(1)->dims(), map.weight);
  if (!map.bias.empty()) feed(2, {map.shape.out}, map.bias);
  return merged;
}

template <DimIdx_t DIM> bool mergesExactly(const NodePtr& a, const NodePtr& b) {
  const auto shapes = shapesOf<DIM>(a, b);
  return shapes && borderCase(shapes->first, shapes->second, Dims(DIM, kDynamicDim)) == BorderCase::Exact;
}

#define AIDGE_INSTANTIATE(DIM)                                                                                                         \
  template std::array<DimSize_t, DIM> getKernelDims<DIM>(const NodePtr&);                                                              \
  template std::array<DimSize_t, DIM> getKernelStrides<DIM>(const NodePtr&);                                                           \
  template DimSize_t inChannels<DIM>(const NodePtr&);                                                                                  \
  template DimSize_t outChannels<DIM>(const NodePtr&);                                                                                 \
  template std::array<DimSize_t, DIM> computeKernelDims<DIM>(const std::array<DimSize_t, DIM>&, const std::array<DimSize_t, DIM>&,     \
                                                             const std::array<DimSize_t, DIM>&);                                       \
  template std::array<DimSize_t, DIM> computeKernelStrides<DIM>(const std::array<DimSize_t, DIM>&, const std::array<DimSize_t, DIM>&); \
  template NodePtr convFrom<DIM>(const NodePtr&, const NodePtr&);                                                                      \
  template NodePtr mergeConv<DIM>(const NodePtr&, const NodePtr&);                                                                     \
  template bool mergesExactly<DIM>(const NodePtr&, const NodePtr&)
AIDGE_INSTANTIATE(1);
AIDGE_INSTANTIATE(2);
AIDGE_INSTANTIATE(3);
#undef AIDGE_INSTANTIATE

}  // namespace Aidge::fibnlr
