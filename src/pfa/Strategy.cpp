#include "aidge/pfa/Strategy.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>

#include "aidge/core/Errors.hpp"

namespace Aidge::pfa {

namespace {

void requireShare(std::string_view where, std::string_view name, double value) {
  if (value >= 0.0 && value <= 1.0) return;
  throwExpected(where, std::string(name) + " in [0, 1]", std::to_string(value));
}

void requireSpectrum(std::string_view where, std::span<const double> eigenvalues) {
  if (eigenvalues.empty()) throwExpected(where, "at least one eigenvalue", "none");
  const bool valid = std::all_of(eigenvalues.begin(), eigenvalues.end(), [](double v) { return v >= 0.0 && std::isfinite(v); }) &&
                     std::is_sorted(eigenvalues.rbegin(), eigenvalues.rend());
  if (!valid) throwExpected(where, "finite eigenvalues >= 0 in descending order", "others");
}

std::vector<double> cumulative(std::span<const double> eigenvalues) {
  std::vector<double> sums(eigenvalues.size());
  std::partial_sum(eigenvalues.begin(), eigenvalues.end(), sums.begin());
  return sums;
}

/// Linear interpolation between order statistics, with NumPy's rounding.
double percentile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const double position = share * static_cast<double>(values.size() - 1);
  const double below = std::floor(position);
  const double t = position - below;
  const double a = values[static_cast<std::size_t>(below)];
  const double b = values[std::min(static_cast<std::size_t>(below) + 1, values.size() - 1)];
  return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1.0 - t);
}

}  // namespace

KlDivergence klDivergence(std::span<const double> eigenvalues) {
  requireSpectrum("pfa::klDivergence", eigenvalues);
  constexpr double kEpsilon = 0x1p-52;
  const auto n = static_cast<double>(eigenvalues.size());
  const double energy = std::accumulate(eigenvalues.begin(), eigenvalues.end(), 0.0);
  const double total = (energy > 0.0 ? 1.0 : 0.0) + n * kEpsilon;
  double divergence = 0.0;
  for (const double value : eigenvalues) {
    const double p = ((energy > 0.0 ? value / energy : 0.0) + kEpsilon) / total;
    divergence += p * std::log(p * n);
  }
  return {std::max(divergence, 0.0), std::log(n)};
}

double linearRatio(const KlDivergence& divergence) {
  return divergence.largest > 0.0 ? std::clamp(1.0 - divergence.value / divergence.largest, 0.0, 1.0) : 1.0;
}

std::size_t countOfRatio(double ratio, std::size_t units) {
  requireShare("pfa::countOfRatio", "a ratio of units", ratio);
  if (units == 0) throwExpected("pfa::countOfRatio", "at least one unit", "0");
  const auto n = static_cast<double>(units);
  return static_cast<std::size_t>(std::clamp(std::ceil(n * ratio), 1.0, n));
}

EnergyCount energyCount(std::span<const double> eigenvalues, double threshold, std::size_t minKept) {
  constexpr std::string_view kWhere = "pfa::energyCount";
  requireSpectrum(kWhere, eigenvalues);
  requireShare(kWhere, "an energy threshold", threshold);
  const std::vector<double> sums = cumulative(eigenvalues);
  const double energy = sums.back();
  std::size_t k = sums.size();
  if (energy > 0.0) {
    const auto reached = std::find_if(sums.begin(), sums.end(), [&](double sum) { return sum / energy >= threshold; });
    k = static_cast<std::size_t>(reached - sums.begin()) + 1;
  }
  const std::size_t count = std::min(std::max(k, minKept), sums.size());
  return {count, energy > 0.0 ? sums[count - 1] / energy : 1.0, sums[k - 1]};
}

double sizeThreshold(std::span<const std::vector<double>> eigenvalues, double relativeSize, double epsilon) {
  constexpr std::string_view kWhere = "pfa::sizeThreshold";
  requireShare(kWhere, "a relative size", relativeSize);
  requireShare(kWhere, "an energy epsilon", epsilon);
  if (eigenvalues.empty()) throwExpected(kWhere, "at least one layer", "none");
  std::vector<double> pooled;
  for (const std::vector<double>& layer : eigenvalues) {
    requireSpectrum(kWhere, layer);
    const std::vector<double> sums = cumulative(layer);
    const double energy = sums.back();
    pooled.push_back(energy > 0.0 ? 0.0 : 1.0);
    for (std::size_t i = 0; i + 1 < sums.size(); ++i) pooled.push_back(energy > 0.0 ? sums[i] / energy : 1.0);
  }
  return std::min(std::max(percentile(std::move(pooled), relativeSize), epsilon), 1.0 - epsilon);
}

}  // namespace Aidge::pfa
