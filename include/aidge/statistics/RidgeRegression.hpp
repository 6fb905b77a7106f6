#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/statistics/Covariance.hpp"

namespace Aidge::statistics {

/// A linear map from `unknowns` features to targets: y = coefficients^T z + intercept.
struct AIDGE_EXPORT LinearPrediction {
  std::vector<double> coefficients;  ///< (unknowns, targets), row-major
  std::vector<double> intercept;     ///< (targets)
};

/// The map of least squared error plus ridge · mean(diag G) · |coefficients|², G the features' covariance: (G + r·mean(diag G)·I)^-1 cov(z, y), the intercept
/// from the means. `moments` is of rows [features, targets], `unknowns` the number of features. Where the features never vary, only the intercept.
/// Throws std::invalid_argument below 1 sample, where ridge is not > 0 (infinity: the intercept alone), or unknowns is above the units.
[[nodiscard]] AIDGE_EXPORT LinearPrediction ridgeRegression(const Covariance& moments, std::size_t unknowns, double ridge);

/// Mean over the rows of |y - prediction|², summed over the targets. Exact, from the moments alone.
[[nodiscard]] AIDGE_EXPORT double meanSquaredError(const Covariance& moments, std::size_t unknowns, const LinearPrediction& prediction);
/// The same of predicting 0: mean over the rows of |y|².
[[nodiscard]] AIDGE_EXPORT double meanSquare(const Covariance& moments, std::size_t unknowns);

/// A ridge regression whose strength was chosen on held-out rows.
struct HeldOutRidge {
  std::optional<double> ridge;  ///< nothing: predicting 0 is best, `prediction` is empty
  LinearPrediction prediction;  ///< refitted on all rows
  double errorBefore = 0.0;     ///< mean |y|² on the held-out rows
  double errorAfter = 0.0;      ///< the chosen map's mean squared error there, fitted without them
};

/// Fits on `fit` with each strength, takes the one of the least error on `held` - or none, if none is below predicting 0 -, and refits on both together.
/// Ties go to the first. Throws std::invalid_argument if a strength is not > 0, there are none, or the units differ. With no rows in `fit` or `held`
/// nothing is chosen.
[[nodiscard]] AIDGE_EXPORT HeldOutRidge heldOutRidge(const Covariance& fit, const Covariance& held, std::size_t unknowns,
                                                     std::span<const double> ridges);

/// Rows [features, targets] that have an intercept of their own, or none.
struct AIDGE_EXPORT RidgeRows {
  Covariance fit;
  Covariance held;
  bool hasIntercept = true;
};

/// A ridge regression of several sets of rows with the same coefficients.
struct AIDGE_EXPORT TiedRidge {
  std::optional<double> ridge;                  ///< nothing: predicting 0 is best, and what follows is empty
  std::vector<double> coefficients;             ///< (unknowns, targets), row-major
  std::vector<std::vector<double>> intercepts;  ///< of each set: (targets); zeros where it has none
  double errorBefore = 0.0;                     ///< mean |y|² on all held-out rows
  double errorAfter = 0.0;                      ///< as in HeldOutRidge
};

/// heldOutRidge for one set with an intercept; else the least squared error over the rows of all sets together: rows count from the mean of their set's
/// rows for the fit, or from 0 if the set has no intercept. Throws as heldOutRidge does, or where there is no set.
[[nodiscard]] AIDGE_EXPORT TiedRidge tiedRidge(std::span<const RidgeRows> sets, std::size_t unknowns, std::span<const double> ridges);

/// Several regressions, each with coefficients and sets of its own, of one strength: that of the least held-out error over all of them together, or none.
/// The ridge is relative to each regression's own features. Throws as tiedRidge does.
[[nodiscard]] AIDGE_EXPORT std::vector<TiedRidge> groupedRidge(std::span<const std::vector<RidgeRows>> groups, std::size_t unknowns,
                                                               std::span<const double> ridges);

}  // namespace Aidge::statistics
