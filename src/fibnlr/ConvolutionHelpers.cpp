#include "aidge/fibnlr/ConvolutionHelpers.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aidge/core/Errors.hpp"
#include "aidge/operator/Operator.hpp"

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
  const TensorPtr& weight = producer ? producer->getOperator()->getOutput(index) : node->getOperator()->getInput(1);
  if (!weight || weight->nbDims() < 2) throwExpected("fibnlr::convolution", "a weight of known dims on " + node->describe(), "none");
  return weight->dims();
}

/// What decides whether and how a convolution merges.
template <DimIdx_t DIM> struct Shape {
  std::array<DimSize_t, DIM> kernel;  ///< with dilation
  std::array<DimSize_t, DIM> strides;
  std::array<DimSize_t, 2 * DIM> padding{};
  DimSize_t in = 0;
  DimSize_t out = 0;
  DimSize_t groups = 1;

  [[nodiscard]] bool isDepthwise() const { return groups == in && groups == out; }
};

/// nullopt where the padding depends on the image size.
template <DimIdx_t DIM> std::optional<Shape<DIM>> shapeOf(const NodePtr& node) {
  const Operator& op = convOf(node, DIM);
  Shape<DIM> shape{getKernelDims<DIM>(node), getKernelStrides<DIM>(node), {},
                   inChannels<DIM>(node),    outChannels<DIM>(node),      op.attribute<std::int64_t>("groups")};
  const auto dilations = window<DIM>(node, "dilation_dims");
  for (DimIdx_t i = 0; i < DIM; ++i) shape.kernel[i] = (shape.kernel[i] - 1) * dilations[i] + 1;
  const auto& autoPad = op.attribute<std::string>("auto_pad");
  if (autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER") {
    if (std::any_of(shape.strides.begin(), shape.strides.end(), [](DimSize_t stride) { return stride != 1; })) return std::nullopt;
    for (DimIdx_t i = 0; i < DIM; ++i) {
      const DimSize_t total = shape.kernel[i] - 1;
      shape.padding[i] = autoPad == "SAME_UPPER" ? total / 2 : total - total / 2;
      shape.padding[DIM + i] = total - shape.padding[i];
    }
  } else if (autoPad == "NOTSET") {
    const auto& padding = op.attribute<Ints>("padding_dims");
    std::copy_n(padding.begin(), std::min<std::size_t>(padding.size(), 2 * DIM), shape.padding.begin());
  }
  return shape;
}

template <std::size_t N> Ints toInts(const std::array<DimSize_t, N>& values) { return Ints(values.begin(), values.end()); }

}  // namespace

bool isConv(const NodePtr& node) {
  const std::string& type = operatorOf(node).type();
  return type == typeOf(1) || type == typeOf(2) || type == typeOf(3);
}

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
    throwExpected("fibnlr::convolution", "a weight of rank " + std::to_string(DIM + 2) + " on " + node->describe(), toString(weight));
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
  if (operatorOf(a).type() != typeOf(DIM) || operatorOf(b).type() != typeOf(DIM)) return nullptr;
  const auto first = shapeOf<DIM>(a);
  const auto second = shapeOf<DIM>(b);
  if (!first || !second || first->out != second->in) return nullptr;
  const bool dense = first->groups == 1 && second->groups == 1;
  if (!dense && !(first->isDepthwise() && second->isDepthwise())) return nullptr;

  const auto kernel = computeKernelDims<DIM>(second->kernel, first->kernel, first->strides);
  std::array<DimSize_t, 2 * DIM> padding;
  for (DimIdx_t i = 0; i < 2 * DIM; ++i) padding[i] = first->padding[i] + first->strides[i % DIM] * second->padding[i];
  const NodePtr merged = makeNode(typeOf(DIM), {{"kernel_dims", toInts(kernel)},
                                                {"stride_dims", toInts(computeKernelStrides<DIM>(first->strides, second->strides))},
                                                {"padding_dims", toInts(padding)},
                                                {"groups", std::int64_t{first->groups}}});
  Dims weight{second->out, first->in / first->groups};
  weight.insert(weight.end(), kernel.begin(), kernel.end());
  merged->getOperator()->setInput(1, std::make_shared<Tensor>(std::move(weight)));
  return merged;
}

#define AIDGE_INSTANTIATE(DIM)                                                                                                         \
  template std::array<DimSize_t, DIM> getKernelDims<DIM>(const NodePtr&);                                                              \
  template std::array<DimSize_t, DIM> getKernelStrides<DIM>(const NodePtr&);                                                           \
  template DimSize_t inChannels<DIM>(const NodePtr&);                                                                                  \
  template DimSize_t outChannels<DIM>(const NodePtr&);                                                                                 \
  template std::array<DimSize_t, DIM> computeKernelDims<DIM>(const std::array<DimSize_t, DIM>&, const std::array<DimSize_t, DIM>&,     \
                                                             const std::array<DimSize_t, DIM>&);                                       \
  template std::array<DimSize_t, DIM> computeKernelStrides<DIM>(const std::array<DimSize_t, DIM>&, const std::array<DimSize_t, DIM>&); \
  template NodePtr convFrom<DIM>(const NodePtr&, const NodePtr&)
AIDGE_INSTANTIATE(1);
AIDGE_INSTANTIATE(2);
AIDGE_INSTANTIATE(3);
#undef AIDGE_INSTANTIATE

}  // namespace Aidge::fibnlr
