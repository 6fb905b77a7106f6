#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "aidge/core/Export.hpp"

namespace Aidge::statistics {

/// How one linear layer uses n units x: y = W x for every tap of its kernel.
struct LinearUse {
  std::vector<double> covariance;  ///< (n, n), row-major: of the units as the layer gets them
  std::vector<double> gram;        ///< (n, n): W^T W, summed over outputs and taps
  double weight = 1.0;             ///< of this layer's loss among others
};

/// In which order units go, and what that costs the layers that use them.
struct Elimination {
  std::vector<std::size_t> order;  ///< n units, the first to go first
  /// (n) after removing order[0 … i]: sum over the uses of weight · E|W x - best W' x'|² / E|W x|² about the means, x' the units that are left, each
  /// tap's input predicted by itself. The mean over uses if weights add up to 1. Does not decrease.
  std::vector<double> loss;
};

/// Backward elimination: again and again the unit goes whose removal costs the uses least, |W_j|² / (S^-1)_jj with S = covariance + ridge · mean(diag) · I,
/// and the rest takes over what it can: W += W_j b_j^T, S^-1 loses a rank (Hassibi and Stork, "Second order derivatives for network pruning: Optimal Brain
/// Surgeon", 1993, for linear layers). Only `gram` is updated for W. Ties go to the lowest index. Memory O(n²), time O(n³) a use.
/// Throws std::invalid_argument if there are no uses, sizes differ, or a value is not finite.
[[nodiscard]] AIDGE_EXPORT Elimination eliminateUnits(std::span<const LinearUse> uses, std::size_t n, double ridge = 1e-4);

/// Which units to keep first: the one that explains most of the trace that is left, then the Schur complement, and so on (pivoted Cholesky). What has no
/// variance left comes last, by index. Throws std::invalid_argument if the size is another than (n, n), or a value is not finite.
[[nodiscard]] AIDGE_EXPORT std::vector<std::size_t> pivotedCholesky(std::span<const double> covariance, std::size_t n);

/// The removed units from the kept ones.
struct UnitPrediction {
  std::vector<std::size_t> removed;  ///< ascending
  std::vector<double> coefficients;  ///< B (removed, kept): A_rk (A_kk + ridge · mean(diag A_kk) · I)^-1
  std::vector<double> offset;        ///< (removed): mean_r - B mean_k
};
/// `covariance` (n, n), `mean` (n), `kept` ascending. Throws std::invalid_argument where sizes do not fit, or `kept` is not.
[[nodiscard]] AIDGE_EXPORT UnitPrediction predictUnits(std::span<const double> covariance, std::span<const double> mean,
                                                       std::span<const std::size_t> kept, double ridge = 1e-4);

}  // namespace Aidge::statistics
