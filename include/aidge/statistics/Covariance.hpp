#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "aidge/core/Export.hpp"

namespace Aidge::statistics {

/// Streaming covariance of rows of `units` values: mean and centred second moments in double, by the pairwise update of Chan, Golub and LeVeque
/// ("Updating formulae and a pairwise algorithm for computing sample variances", 1979). Memory is that of half a (units, units) matrix whatever
/// the number of rows. How the rows are cut into calls of `add` does not change a bit of the result.
class AIDGE_EXPORT Covariance {
 public:
  /// Takes its number of units from the first rows.
  Covariance() = default;
  /// Throws std::invalid_argument if units is 0.
  explicit Covariance(std::size_t units);
  /// Puts back what samples(), mean() and scatter() gave. Throws std::invalid_argument if the sizes do not belong together, or a value is
  /// not finite.
  Covariance(std::size_t samples, std::span<const double> mean, std::span<const double> scatter);

  /// Takes `rows`: row-major, (any number, units). Throws std::invalid_argument where `units` is not as before, or on NaN or infinity (naming
  /// the samples); nothing is taken then.
  void add(std::span<const float> rows, std::size_t units);
  void add(std::span<const double> rows, std::size_t units);
  /// Adds what another accumulator has seen. Throws std::invalid_argument if its units are not as many.
  void merge(const Covariance& other);
  /// Works off the last rows, which wait to be taken together. The getters do the same on a copy.
  void flush();

  [[nodiscard]] std::size_t samples() const noexcept { return mSamples + mPending; }
  [[nodiscard]] std::size_t units() const noexcept { return mUnits; }
  /// (units): mean of the rows.
  [[nodiscard]] std::vector<double> mean() const;
  /// Upper triangle, row by row, of sum over the rows of (x - mean)(x - mean)^T: units · (units + 1) / 2 elements.
  [[nodiscard]] std::vector<double> scatter() const;
  /// (units, units), row-major: scatter / (samples - 1), the unbiased covariance. Throws std::invalid_argument below 2 samples, or where a
  /// square has overflowed.
  [[nodiscard]] std::vector<double> matrix() const;

 private:
  /// A panel's units have their rows of the triangle side by side, from the panel's first unit on.
  struct Panel {
    std::size_t first;
    std::size_t width;
    std::size_t columns;
    std::size_t offset;
  };
  template <typename T> void addRows(std::span<const T> rows, std::size_t units);
  void setUnits(std::size_t units);
  [[nodiscard]] std::vector<Panel> panels() const;
  [[nodiscard]] Covariance flushed() const;
  /// Calls use(i, j, element) for every i <= j, row by row.
  template <typename Self, typename Use> static void forTriangle(Self& self, const Use& use);

  std::size_t mUnits = 0;
  std::size_t mSamples = 0;      ///< rows in mMean and mScatter
  std::size_t mPending = 0;      ///< rows in mRows
  std::vector<double> mMean;     ///< (units)
  std::vector<double> mScatter;  ///< panel after panel
  std::vector<double> mRows;     ///< (kRows + 1, units); the last one is for the difference of the means
};

}  // namespace Aidge::statistics
