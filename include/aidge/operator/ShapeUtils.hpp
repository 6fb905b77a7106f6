#pragma once

#include <span>
#include <string>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/core/Types.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge {

/// Where an operator's errors come from: "operator::Conv2D".
[[nodiscard]] AIDGE_EXPORT std::string errorSite(const Operator& op);

/// "[3, -1]": a list of integers as messages show it.
[[nodiscard]] AIDGE_EXPORT std::string listText(std::span<const std::int64_t> values);

/// The integers that an extra input of an operator stands for: those of input `index` where that is connected, else the attribute of the input's name. Throws
/// UnsupportedError if the input's value is only known at run time, std::invalid_argument if it is no list of integers.
[[nodiscard]] AIDGE_EXPORT std::vector<std::int64_t> listArgument(const Operator& op, std::span<const TensorInfo> inputs,
                                                                  std::size_t index);

/// Product and sum without wrap-around. Throw std::invalid_argument, naming `site`, where the result does not fit 64 bits.
[[nodiscard]] AIDGE_EXPORT std::int64_t checkedMul(std::string_view site, std::int64_t a, std::int64_t b);
[[nodiscard]] AIDGE_EXPORT std::int64_t checkedAdd(std::string_view site, std::int64_t a, std::int64_t b);

/// Axis in [0, rank) for one in [-rank, rank). Throws std::invalid_argument naming `site` otherwise.
[[nodiscard]] AIDGE_EXPORT DimIdx_t normaliseAxis(std::string_view site, std::int64_t axis, std::size_t rank);
/// The axes in the order given, all in [0, rank). Throws std::invalid_argument on one out of range or given twice.
[[nodiscard]] AIDGE_EXPORT std::vector<DimIdx_t> normaliseAxes(std::string_view site, std::span<const std::int64_t> axes, std::size_t rank);

/// Dims of a ∘ b under NumPy's broadcasting: aligned at the last axis, an extent of 1 repeats. Throws std::invalid_argument if they do not fit.
[[nodiscard]] AIDGE_EXPORT Dims broadcastDims(std::string_view site, const Dims& a, const Dims& b);
/// Whether `from` can be repeated to exactly `to` (ONNX's unidirectional broadcasting).
[[nodiscard]] AIDGE_EXPORT bool isBroadcastableTo(const Dims& from, const Dims& to);

/// Upper bound of every entry of kernel, stride, dilation and padding, so that the arithmetic on them stays within 64 bits.
inline constexpr std::int64_t kMaxWindowExtent = 2147483647;

/// A sliding window over the spatial axes of a (batch, channels, spatial …) tensor, with all defaults and auto_pad resolved. One entry a
/// spatial axis everywhere.
struct AIDGE_EXPORT SpatialWindow {
  Dims kernel;
  Dims stride;
  Dims dilation;
  Dims padBegin;
  Dims padEnd;    ///< as declared (or resolved from auto_pad); negative for a transposed convolution with output padding
  Dims output;    ///< extent of the result
  Dims reachEnd;  ///< how far the last window reaches beyond the input's end: above padEnd where ceil_mode adds a window, below it (even
                  ///< negative) where the last rows are not used. Unused (0) for transposed convolutions.

  /// Rows from a window's first to its last tap: (kernel - 1) * dilation + 1.
  [[nodiscard]] DimSize_t extent(std::size_t axis) const { return (kernel[axis] - 1) * dilation[axis] + 1; }
};

/// The window of a convolution (`weightKernel` = the weight's spatial dims) or of a pooling (`weightKernel` empty) for data of `inputDims`
/// (batch, channels, spatial …). Output extent: floor((in + padBegin + padEnd - extent) / stride) + 1; with ceil_mode rounded up, less the window that
/// would start beyond input and left padding. Throws std::invalid_argument if the rank is wrong, the window exceeds the padded input, or the
/// kernel_dims attribute and the weight disagree.
[[nodiscard]] AIDGE_EXPORT SpatialWindow resolveWindow(const Operator& op, const Dims& inputDims,
                                                       std::span<const DimSize_t> weightKernel = {});

/// The same for a transposed convolution: output extent = (in - 1) * stride + extent + output_padding - padBegin - padEnd, where output_padding is folded
/// into a smaller (maybe negative) padEnd, so that output = (in - 1) * stride + extent - padBegin - padEnd holds always. auto_pad SAME_* makes the output in * stride;
/// output_shape fixes it and the padding follows.
[[nodiscard]] AIDGE_EXPORT SpatialWindow resolveTransposedWindow(const Operator& op, const Dims& inputDims,
                                                                 std::span<const DimSize_t> weightKernel);

/// padBegin then padEnd of resolveWindow (2·D entries, ONNX order).
[[nodiscard]] AIDGE_EXPORT Dims resolvePadding(const Operator& op, const Dims& inputDims, std::span<const DimSize_t> weightKernel = {});

/// Elements that a Pad operator adds before and after every axis (negative: takes away), one entry an axis.
struct AxisPads {
  Dims begin;
  Dims end;
};
/// Throws std::invalid_argument if the pads do not fit the rank.
[[nodiscard]] AIDGE_EXPORT AxisPads resolvePads(const Operator& op, const std::vector<std::int64_t>& pads, std::size_t rank);

/// Dims that a Reshape's `shape` stands for: 0 copies (unless allowzero), -1 is inferred.
[[nodiscard]] AIDGE_EXPORT Dims resolveReshape(const Operator& op, Dims shape, const Dims& inputDims);
/// Source axis of every output axis of a Transpose; output_dims_order, or all axes reversed where that is empty.
[[nodiscard]] AIDGE_EXPORT std::vector<DimIdx_t> resolvePermutation(const Operator& op, std::size_t rank);
/// Axes that a ReduceMean averages over, ascending; none where it does nothing.
[[nodiscard]] AIDGE_EXPORT std::vector<DimIdx_t> resolveReducedAxes(const Operator& op, std::size_t rank);

}  // namespace Aidge
