// Sliding windows of convolution and pooling: padding and output extents as ONNX defines them.
#include <algorithm>

#include "aidge/core/Errors.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge {
namespace {

using Ints = std::vector<std::int64_t>;

Dims attributeOrFill(const Operator& op, std::string_view name, std::size_t size, DimSize_t fill) {
  return op.hasAttribute(name) ? op.attribute<Ints>(name) : Dims(size, fill);
}

/// Reads kernel, stride and dilation; `spatial` counts the spatial axes of the data.
SpatialWindow readWindow(const Operator& op, const Dims& inputDims, std::span<const DimSize_t> weightKernel) {
  const std::string site = errorSite(op);
  SpatialWindow window;
  window.kernel = op.attribute<Ints>("kernel_dims");
  if (!weightKernel.empty()) {
    const Dims actual(weightKernel.begin(), weightKernel.end());
    if (window.kernel.empty()) window.kernel = actual;
    if (window.kernel != actual) {
      throwExpected(site, "a weight with the kernel " + listText(window.kernel) + " of kernel_dims", toString(actual));
    }
  }
  const std::size_t axes = op.attribute<Ints>("stride_dims").size();
  if (inputDims.size() != axes + 2) {
    throwExpected(site, "data of rank " + std::to_string(axes + 2) + " (batch, channels, spatial axes)", toString(inputDims));
  }
  const auto outOfRange = [](DimSize_t extent) { return extent < 1 || extent > kMaxWindowExtent; };
  if (window.kernel.size() != axes || std::any_of(window.kernel.begin(), window.kernel.end(), outOfRange)) {
    throwExpected(site, "a kernel of " + std::to_string(axes) + " extents in [1, 2147483647]", listText(window.kernel));
  }
  window.stride = op.attribute<Ints>("stride_dims");
  window.dilation = attributeOrFill(op, "dilation_dims", axes, 1);
  window.padBegin = window.padEnd = window.output = window.reachEnd = Dims(axes, 0);
  return window;
}

/// Splits a total padding into both ends; the odd one goes to the end for SAME_UPPER, to the beginning for SAME_LOWER.
void splitPadding(SpatialWindow& window, std::size_t axis, DimSize_t total, bool oddAtEnd) {
  window.padBegin[axis] = oddAtEnd ? total / 2 : total - total / 2;
  window.padEnd[axis] = total - window.padBegin[axis];
}

void setPadding(const Operator& op, const Dims& inputDims, SpatialWindow& window) {
  const auto& mode = op.attribute<std::string>("auto_pad");
  const auto& declared = op.attribute<Ints>("padding_dims");
  const std::size_t axes = window.kernel.size();
  for (std::size_t axis = 0; axis < axes; ++axis) {
    if (mode == "NOTSET") {
      window.padBegin[axis] = declared[axis];
      window.padEnd[axis] = declared[axes + axis];
    } else if (mode != "VALID") {
      const DimSize_t stride = window.stride[axis];
      const DimSize_t rest = inputDims[axis + 2] % stride;
      const DimSize_t total = window.extent(axis) - (rest == 0 ? stride : rest);
      splitPadding(window, axis, std::max<DimSize_t>(total, 0), mode == "SAME_UPPER");
    }
  }
}

DimSize_t floorDiv(DimSize_t a, DimSize_t b) { return a / b - (a % b < 0 ? 1 : 0); }

void setOutput(const Operator& op, const Dims& inputDims, SpatialWindow& window, std::size_t axis) {
  const DimSize_t input = inputDims[axis + 2];
  const DimSize_t begin = window.padBegin[axis];
  const DimSize_t stride = window.stride[axis];
  const DimSize_t room = input + begin + window.padEnd[axis] - window.extent(axis);
  const bool ceil = op.hasAttribute("ceil_mode") && op.attribute<bool>("ceil_mode");
  DimSize_t steps = floorDiv(ceil ? room + stride - 1 : room, stride);
  // A window that is there only because of rounding up must start inside the data or its left padding.
  if (ceil && steps * stride >= input + begin) --steps;
  if (steps < 0) {
    throwExpected(errorSite(op), "a window no larger than the padded data",
                  "extent " + std::to_string(window.extent(axis)) + " on axis " + std::to_string(axis + 2) + " of " + toString(inputDims) +
                      " with padding " + std::to_string(begin) + " + " + std::to_string(window.padEnd[axis]));
  }
  window.output[axis] = steps + 1;
  window.reachEnd[axis] = steps * stride + window.extent(axis) - begin - input;
}

/// Padding and output of one axis of a transposed convolution without padding declared: both follow from the wanted extent.
void fitTransposed(const Operator& op, SpatialWindow& window, std::size_t axis, DimSize_t natural, DimSize_t wanted) {
  const bool oddAtEnd = op.attribute<std::string>("auto_pad") == "SAME_UPPER";
  splitPadding(window, axis, std::max<DimSize_t>(natural - wanted, 0), oddAtEnd);
  window.output[axis] = wanted;
}

}  // namespace

SpatialWindow resolveWindow(const Operator& op, const Dims& inputDims, std::span<const DimSize_t> weightKernel) {
  static_cast<void>(elementCount(inputDims));  // bounds every extent, so that the sums below cannot overflow
  SpatialWindow window = readWindow(op, inputDims, weightKernel);
  setPadding(op, inputDims, window);
  for (std::size_t axis = 0; axis < window.kernel.size(); ++axis) setOutput(op, inputDims, window, axis);
  return window;
}

SpatialWindow resolveTransposedWindow(const Operator& op, const Dims& inputDims, std::span<const DimSize_t> weightKernel) {
  const std::string site = errorSite(op);
  static_cast<void>(elementCount(inputDims));
  SpatialWindow window = readWindow(op, inputDims, weightKernel);
  const auto& mode = op.attribute<std::string>("auto_pad");
  const auto& declared = op.attribute<Ints>("padding_dims");
  const auto& wanted = op.attribute<Ints>("output_shape");
  const std::size_t axes = window.kernel.size();
  for (std::size_t axis = 0; axis < axes; ++axis) {
    const DimSize_t input = inputDims[axis + 2];
    if (input < 1) throwExpected(site, "data with spatial extents of at least 1", toString(inputDims));
    const DimSize_t spread = checkedAdd(site, checkedMul(site, input - 1, window.stride[axis]), window.extent(axis));
    const DimSize_t natural = checkedAdd(site, spread, op.attribute<Ints>("output_padding")[axis]);
    if (!wanted.empty()) {
      fitTransposed(op, window, axis, natural, wanted[axis]);
    } else if (mode == "SAME_UPPER" || mode == "SAME_LOWER") {
      const DimSize_t scaled = checkedMul(site, input, window.stride[axis]);
      fitTransposed(op, window, axis, natural, std::min(scaled, natural));
    } else {
      if (mode == "NOTSET") window.padBegin[axis] = declared[axis];
      const DimSize_t end = mode == "NOTSET" ? declared[axes + axis] : 0;
      window.output[axis] = natural - window.padBegin[axis] - end;
    }
    if (window.output[axis] < 1) {
      throwExpected(site, "padding that leaves an output",
                    "extent " + std::to_string(window.output[axis]) + " on axis " + std::to_string(axis + 2));
    }
    window.padEnd[axis] = spread - window.padBegin[axis] - window.output[axis];
  }
  return window;
}

Dims resolvePadding(const Operator& op, const Dims& inputDims, std::span<const DimSize_t> weightKernel) {
  const SpatialWindow window = resolveWindow(op, inputDims, weightKernel);
  Dims padding = window.padBegin;
  padding.insert(padding.end(), window.padEnd.begin(), window.padEnd.end());
  return padding;
}

}  // namespace Aidge
