#pragma once

#include <limits>
#include <span>

#include "aidge/core/Export.hpp"

namespace Aidge::statistics {

/// How much of a stream of values lies on either side of zero: sums of magnitudes, mergeable over batches, parts and machines.
struct AIDGE_EXPORT SignBalance {
  double neg = 0.0;  ///< sum of |v| over v < 0, plus v - upper over v > upper
  double pos = 0.0;  ///< sum of v over v >= 0

  /// Takes one value; NaN goes to `pos`, so that it shows.
  void add(double value, double upper = std::numeric_limits<double>::infinity()) noexcept;
  /// Takes all values (sums kept in double).
  void add(std::span<const float> values, double upper = std::numeric_limits<double>::infinity()) noexcept;
  void add(std::span<const double> values, double upper = std::numeric_limits<double>::infinity()) noexcept;
  /// Adds what another accumulator has seen.
  void merge(const SignBalance& other) noexcept;
  /// (neg + eps) / (pos + eps) with eps = DBL_EPSILON: 0 = hardly anything negative, 1 = balanced, or nothing seen.
  [[nodiscard]] double value() const noexcept;
  /// False once a NaN or an infinity has been added (or the sums have overflowed).
  [[nodiscard]] bool isFinite() const noexcept;

  friend bool operator==(const SignBalance&, const SignBalance&) = default;
};

}  // namespace Aidge::statistics
