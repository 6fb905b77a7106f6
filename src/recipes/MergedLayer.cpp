#include "MergedLayer.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "aidge/core/Errors.hpp"
#include "aidge/graph/MakeNode.hpp"

namespace Aidge::detail {

namespace {

using Ints = std::vector<std::int64_t>;

constexpr double kAny = 0.01;

Ints joined(const Dims& begin, const Dims& end) {
  Ints result(begin.begin(), begin.end());
  result.insert(result.end(), end.begin(), end.end());
  return result;
}

NodePtr convNode(const ConvShape& shape) {
  return makeNode("Conv" + std::to_string(shape.axes()) + "D", {{"kernel_dims", Ints(shape.kernel)},
                                                                {"stride_dims", Ints(shape.stride)},
                                                                {"dilation_dims", Ints(shape.dilation)},
                                                                {"padding_dims", joined(shape.padBegin, shape.padEnd)},
                                                                {"groups", shape.groups}});
}

void setInput(const NodePtr& node, IOIndex_t index, Tensor value) { node->setInput(index, Producer(std::move(value))); }

/// Flat place in the kernel of the tap over position `at` of the image; nothing where it stands in no tap.
std::optional<std::size_t> tapOver(const Dims& at, const ConvShape& shape) {
  DimSize_t place = 0;
  for (std::size_t axis = 0; axis < at.size(); ++axis) {
    const DimSize_t tap = at[axis] + shape.padBegin[axis];
    if (tap >= shape.kernel[axis]) return std::nullopt;
    place = place * shape.kernel[axis] + tap;
  }
  return static_cast<std::size_t>(place);
}

/// Goes to the next position of an image, the last axis fastest; false after the last one.
bool advance(Dims& at, const Dims& image) {
  for (std::size_t axis = image.size(); axis-- > 0;) {
    if (++at[axis] < image[axis]) return true;
    at[axis] = 0;
  }
  return false;
}

/// A convolution whose only window is the whole image, as the matrix over its values: (out, in · positions). Taps in the padding go.
std::vector<double> matrixOf(const ConvMap& map, const Dims& image) {
  const ConvMap dense = withoutDilation(withGroups(map, 1));
  const auto taps = static_cast<std::size_t>(dense.shape.taps());
  std::vector<double> result;
  for (std::size_t pair = 0; pair < dense.weight.size() / taps; ++pair) {
    Dims at(image.size(), 0);
    do {
      const auto place = tapOver(at, dense.shape);
      result.push_back(place ? dense.weight[pair * taps + *place] : 0.0);
    } while (advance(at, image));
  }
  return result;
}

}  // namespace

MergedLayer::MergedLayer(const Composite& composite, DataType dtype) : mComposite(composite), mDtype(dtype) {
  if (composite.isShifted) append(makeNode("Sub"));
  if (composite.isPooled) append(makeNode("GlobalAveragePooling"));
  mCore = composite.isMatrix ? makeNode("FC") : convNode(composite.shape);
  append(mCore);
  if (composite.addsImage()) append(makeNode("Add"));
}

void MergedLayer::append(const NodePtr& node) {
  if (!mNodes.empty()) node->setInput(0, mNodes.back());
  mNodes.push_back(node);
}

void MergedLayer::fillAny() {
  const bool withBias = mComposite.isMatrix ? mComposite.isImaged || mComposite.shape.hasBias : mComposite.shape.hasBias;
  setInput(mCore, 1, Tensor::full(weightDims(), kAny, mDtype));
  if (withBias) setInput(mCore, 2, Tensor::full({mComposite.shape.out}, kAny, mDtype));
  if (mComposite.isShifted) setInput(mNodes.front(), 1, Tensor::full(shiftDims(), kAny, mDtype));
  if (mComposite.addsImage()) setInput(mNodes.back(), 1, Tensor::full(imageDims(), kAny, mDtype));
}

void MergedLayer::fill(const LoadedComposite& loaded) {
  const ConvMap& map = loaded.map;
  std::vector<double> weight = map.weight;
  if (mComposite.isMatrix && mComposite.isPooled) {
    weight = withGroups(map, 1).weight;
  } else if (mComposite.isMatrix) {
    weight = matrixOf(map, Dims(mComposite.input.begin() + 2, mComposite.input.end()));
  }
  setInput(mCore, 1, tensor(weightDims(), weight));
  // Behind a matrix there is one position: its image is a bias.
  const std::vector<double>& bias = mComposite.isMatrix && !loaded.image.empty() ? loaded.image : map.bias;
  const bool withBias = std::any_of(bias.begin(), bias.end(), [](double value) { return value != 0.0; });
  if (withBias) setInput(mCore, 2, tensor({map.shape.out}, bias));
  if (mComposite.isShifted) setInput(mNodes.front(), 1, tensor(shiftDims(), loaded.shift));
  if (mComposite.addsImage()) setInput(mNodes.back(), 1, tensor(imageDims(), loaded.image));
}

void MergedLayer::setNames(const std::string& name, const std::function<std::string(const std::string&)>& free) {
  mCore->setName(name);
  for (const NodePtr& node : mNodes) {
    if (node == mCore) continue;
    const Role role = node->getOperator()->role();
    const std::string suffix = role == Role::Difference ? "_shift" : role == Role::Sum ? "_image" : "_mean";
    node->setName(free(name + suffix));
    if (node->nbInputs() > 1) node->getParent(1)->setName(free(name + suffix + "_c"));
  }
  if (const NodePtr weight = mCore->getParent(1)) weight->setName(free(name + "_w"));
  if (const NodePtr bias = mCore->getParent(2)) bias->setName(free(name + "_b"));
}

Dims MergedLayer::weightDims() const {
  const ConvShape& shape = mComposite.shape;
  if (mComposite.isMatrix) {
    const Dims& input = mComposite.input;
    return {shape.out, mComposite.isPooled ? shape.in : static_cast<DimSize_t>(elementCount(input)) / input[0]};
  }
  Dims dims{shape.out, shape.in / shape.groups};
  dims.insert(dims.end(), shape.kernel.begin(), shape.kernel.end());
  return dims;
}

Dims MergedLayer::shiftDims() const {
  Dims dims(mComposite.input.size(), 1);
  dims[1] = mComposite.input[1];
  return dims;
}

Dims MergedLayer::imageDims() const {
  Dims dims{1, mComposite.shape.out};
  dims.insert(dims.end(), mComposite.current.begin(), mComposite.current.end());
  return dims;
}

Tensor MergedLayer::tensor(Dims dims, const std::vector<double>& values) const {
  Tensor result = Tensor::fromValues<double>(std::move(dims), std::span<const double>(values)).cast(mDtype);
  for (const double value : result.toDoubles()) {
    if (!std::isfinite(value))
      throwExpected("recipes::fuseConvolution", "merged weights that " + std::string(toString(mDtype)) + " holds", "an overflow");
  }
  return result;
}

}  // namespace Aidge::detail
