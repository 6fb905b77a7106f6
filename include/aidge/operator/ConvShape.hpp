#pragma once

#include <optional>
#include <span>

#include "aidge/core/Export.hpp"
#include "aidge/core/Types.hpp"

namespace Aidge {

class Operator;

/// Geometry of a convolution y[o, q] = bias[o] + sum over c, t of w[o, c, t] · x[c, q · stride - padBegin + t · dilation], with x zero outside. The
/// Dims have one entry for each spatial axis; with none it is a matrix.
struct AIDGE_EXPORT ConvShape {
  Dims kernel;
  Dims stride;
  Dims dilation;
  Dims padBegin;
  Dims padEnd;
  DimSize_t in = 0;
  DimSize_t out = 0;
  DimSize_t groups = 1;
  bool hasBias = false;  ///< whether some bias is not zero

  [[nodiscard]] std::size_t axes() const noexcept { return kernel.size(); }
  /// Rows from the first to the last tap: (kernel - 1) · dilation + 1.
  [[nodiscard]] DimSize_t extent(std::size_t axis) const { return (kernel[axis] - 1) * dilation[axis] + 1; }
  [[nodiscard]] DimSize_t taps() const;
  /// One tap on every axis and no padding (any stride).
  [[nodiscard]] bool isPointwise() const;
  /// Elements of weight and bias.
  [[nodiscard]] double parameters() const;
  /// Multiply-accumulates for so many output elements (batch · out · positions).
  [[nodiscard]] double macs(double outputElements) const;
  /// Spatial extents of the output for an input of these.
  [[nodiscard]] Dims output(const Dims& input) const;

  [[nodiscard]] bool operator==(const ConvShape&) const = default;
};

/// The window of a convolution or a pooling, without channels. `spatial`: extents of the data's spatial axes, dynamic where they may vary. `kernel`: the weight's
/// spatial dims, empty for a pooling. nullopt if the padding (auto_pad) depends on an extent that may vary. Throws as resolveWindow does.
[[nodiscard]] AIDGE_EXPORT std::optional<ConvShape> windowShape(const Operator& op, const Dims& spatial,
                                                                std::span<const DimSize_t> kernel = {});
/// The same with the channels and groups of a Conv whose weight has the dims `weight` (out, in / groups, kernel …); hasBias stays false.
[[nodiscard]] AIDGE_EXPORT std::optional<ConvShape> convShape(const Operator& op, const Dims& spatial, const Dims& weight);

}  // namespace Aidge
