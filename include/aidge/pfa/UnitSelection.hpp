#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "aidge/core/Export.hpp"

namespace Aidge::pfa {

/// Which unit goes next, by A_ij = |cov_ij| / max(sqrt(var_i var_j), 1e-8) among the units that are left.
enum class UnitStrategy : std::uint8_t {
  AbsMax,  ///< one of the pair of largest A
  AbsMin,  ///< one of the pair of smallest A
  L1Max,   ///< the largest sum of A over the others
  L1Min,   ///< the smallest sum
  Random   ///< by a seed alone
};

/// Among units of equal sum L1Max and L1Min look for the extreme A of one of them with any unit r. DNIKit then removes the unit of smallest
/// index whose A with one of the tied units is that extreme, which often is not tied itself; Documented removes the first tied unit.
enum class TieRule : std::uint8_t { Dnikit, Documented };

struct SelectionOptions {
  TieRule tieRule = TieRule::Dnikit;
  std::uint64_t seed = 0;         ///< of Random
  double epsilonInactive = 1e-8;  ///< see inactiveUnits
};

/// Units with var_i < epsilon * largest var, ascending. `covariance`: (n, n), row-major. Throws std::invalid_argument if the size is
/// another, or epsilon is negative.
[[nodiscard]] AIDGE_EXPORT std::vector<std::size_t> inactiveUnits(std::span<const double> covariance, std::size_t n, double epsilon = 1e-8);

/// The order in which units go: the inactive ones by index, then all active ones but the last; to keep k of the active ones, take all but the
/// last k - 1 of the order. Two values count as equal where |a - b| <= 1e-8 + 1e-5 |b|; what is then still tied goes by index.
/// Throws std::invalid_argument if the size is another than (n, n), or an element is NaN or infinite.
[[nodiscard]] AIDGE_EXPORT std::vector<std::size_t> removalOrder(std::span<const double> covariance, std::size_t n, UnitStrategy strategy,
                                                                 const SelectionOptions& options = {});

}  // namespace Aidge::pfa
