#include "aidge/operator/ConvShape.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge {

namespace {

using Ints = std::vector<std::int64_t>;

/// Extents that stand for those that may vary: the windows fit, and padding that depends on no extent comes out right.
Dims anyExtents(const Operator& op, const Dims& spatial, std::span<const DimSize_t> kernel) {
  const Ints& declared = op.attribute<Ints>("kernel_dims");
  const Ints& dilation = op.attribute<Ints>("dilation_dims");
  Dims result = spatial;
  for (std::size_t axis = 0; axis < spatial.size(); ++axis) {
    const DimSize_t taps = kernel.empty() ? declared[axis] : kernel[axis];
    if (spatial[axis] == kDynamicDim) result[axis] = (taps - 1) * dilation[axis] + 1;
  }
  return result;
}

}  // namespace

DimSize_t ConvShape::taps() const { return std::accumulate(kernel.begin(), kernel.end(), DimSize_t{1}, std::multiplies<>()); }

bool ConvShape::isPointwise() const {
  const auto none = [](DimSize_t pad) { return pad == 0; };
  return taps() == 1 && std::all_of(padBegin.begin(), padBegin.end(), none) && std::all_of(padEnd.begin(), padEnd.end(), none);
}

double ConvShape::parameters() const {
  const double perOutput = static_cast<double>(in / groups) * static_cast<double>(taps()) + (hasBias ? 1.0 : 0.0);
  return static_cast<double>(out) * perOutput;
}

double ConvShape::macs(double outputElements) const {
  return outputElements * static_cast<double>(in / groups) * static_cast<double>(taps());
}

Dims ConvShape::output(const Dims& input) const {
  Dims result;
  for (std::size_t i = 0; i < axes(); ++i) result.push_back((input[i] + padBegin[i] + padEnd[i] - extent(i)) / stride[i] + 1);
  return result;
}

std::optional<ConvShape> windowShape(const Operator& op, const Dims& spatial, std::span<const DimSize_t> kernel) {
  const Ints& strides = op.attribute<Ints>("stride_dims");
  const bool padsBySize = op.attribute<std::string>("auto_pad").starts_with("SAME");
  const bool hasStride = std::any_of(strides.begin(), strides.end(), [](std::int64_t stride) { return stride != 1; });
  const bool varies = std::find(spatial.begin(), spatial.end(), kDynamicDim) != spatial.end();
  if (padsBySize && hasStride && varies) return std::nullopt;
  Dims dims{1, 1};
  const Dims extents = anyExtents(op, spatial, kernel);
  dims.insert(dims.end(), extents.begin(), extents.end());
  const SpatialWindow window = resolveWindow(op, dims, kernel);
  return ConvShape{window.kernel, window.stride, window.dilation, window.padBegin, window.padEnd};
}

std::optional<ConvShape> convShape(const Operator& op, const Dims& spatial, const Dims& weight) {
  auto shape = windowShape(op, spatial, std::span<const DimSize_t>(weight).subspan(2));
  if (!shape) return std::nullopt;
  shape->groups = op.attribute<std::int64_t>("groups");
  shape->in = weight[1] * shape->groups;
  shape->out = weight[0];
  return shape;
}

}  // namespace Aidge
