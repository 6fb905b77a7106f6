#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "aidge/core/Export.hpp"

namespace Aidge::pfa {

/// How many units a layer needs, from the eigenvalues of the covariance of its responses. Formulas: Cuadros, Suau, Zappella, Apostoloff,
/// "Principal Filter Analysis for guided network compression" (2018), as in DNIKit 2.0.0. All take `eigenvalues` descending and >= 0, one a
/// unit, and throw std::invalid_argument if there are none, or they are neither.

/// The Kullback-Leibler divergence of a spectrum from the flat one.
struct KlDivergence {
  double value = 0.0;    ///< in nats: ln n - H(p) with p_i = l_i / sum(l) + 2^-52, renormalised
  double largest = 0.0;  ///< ln n
};
[[nodiscard]] AIDGE_EXPORT KlDivergence klDivergence(std::span<const double> eigenvalues);
/// 1 - value / largest: the share of the units that is kept; 1 for one unit.
[[nodiscard]] AIDGE_EXPORT double linearRatio(const KlDivergence& divergence);
/// ceil(units * ratio) within [1, units]; 1 for one unit. Throws std::invalid_argument unless ratio is in [0, 1].
[[nodiscard]] AIDGE_EXPORT std::size_t countOfRatio(double ratio, std::size_t units);

/// A number of units and what they hold of the energy (the sum of the eigenvalues).
struct EnergyCount {
  std::size_t count = 0;         ///< units to keep
  double keptEnergy = 0.0;       ///< share of the energy in the `count` largest eigenvalues; 1 if there is no energy
  double thresholdEnergy = 0.0;  ///< sum of the largest eigenvalues that reach the threshold, before minKept, as DNIKit has it
};
/// The smallest k >= 1 whose eigenvalues hold `threshold` of the energy (all units where there is no energy), then at least `minKept`, at most
/// all. Throws std::invalid_argument unless threshold is in [0, 1].
[[nodiscard]] AIDGE_EXPORT EnergyCount energyCount(std::span<const double> eigenvalues, double threshold, std::size_t minKept = 0);

/// The threshold of energyCount that keeps about `relativeSize` of the units of all layers together: the percentile (linear interpolation) of
/// every layer's energy before each of its units (0, e_1/e_n, …, e_{n-1}/e_n; all ones without energy), brought to at least `epsilon` and then
/// to at most 1 - epsilon. Throws std::invalid_argument unless both are in [0, 1] and there is a layer.
[[nodiscard]] AIDGE_EXPORT double sizeThreshold(std::span<const std::vector<double>> eigenvalues, double relativeSize,
                                                double epsilon = 1e-8);

}  // namespace Aidge::pfa
