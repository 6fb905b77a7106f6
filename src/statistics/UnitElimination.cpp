#include "aidge/statistics/UnitElimination.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <string_view>

#include "DenseKernels.hpp"
#include "aidge/core/Errors.hpp"

namespace Aidge::statistics {

namespace {

/// Units from which a second thread pays.
constexpr std::size_t kParallelFrom = 128;

void checkSquare(std::string_view where, std::span<const double> values, std::size_t n) {
  if (values.size() != n * n) throwExpected(where, std::to_string(n * n) + " elements (n, n)", std::to_string(values.size()));
  const bool finite = std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
  if (!finite) throwExpected(where, "finite values", "NaN or infinity");
}

/// `values` with ridge · mean(diag) on the diagonal; 1 there where nothing varies.
std::vector<double> regularised(std::span<const double> values, std::size_t n, double ridge) {
  double trace = 0.0;
  for (std::size_t i = 0; i < n; ++i) trace += values[i * n + i];
  const double added = trace > 0.0 ? ridge * trace / static_cast<double>(n) : 1.0;
  std::vector<double> result(values.begin(), values.end());
  for (std::size_t i = 0; i < n; ++i) result[i * n + i] += added;
  return result;
}

/// One use while units go: the first `active` rows and columns count, the others are gone.
class UseState {
 public:
  UseState(const LinearUse& use, std::size_t n, double ridge) : mStride(n), mInverse(n * n, 0.0), mGram(use.gram) {
    std::vector<double> matrix = regularised(use.covariance, n, ridge);
    double energy = 0.0;
    for (std::size_t i = 0; i < n * n; ++i) energy += matrix[i] * mGram[i];  // tr(W S W^T)
    mScale = energy > 0.0 ? use.weight / energy : 0.0;
    for (std::size_t i = 0; i < n; ++i) mInverse[i * n + i] = 1.0;
    if (!denseKernels().solvePositive(matrix.data(), n, mInverse.data(), n)) {
      throwExpected("statistics::eliminateUnits", "a covariance that is positive semi-definite", "another matrix");
    }
  }

  [[nodiscard]] double loss(std::size_t j) const { return mScale * mGram[j * mStride + j] / mInverse[j * mStride + j]; }

  /// Unit j goes; the last active one takes its place.
  void remove(std::size_t j, std::size_t active) {
    std::vector<double> s(active);  // column j of the inverse, divided by its diagonal
    std::vector<double> h(active);  // column j of the gram
    const double pivot = mInverse[j * mStride + j];
    const double own = mGram[j * mStride + j];
    for (std::size_t i = 0; i < active; ++i) {
      s[i] = mInverse[j * mStride + i] / pivot;
      h[i] = mGram[j * mStride + i];
    }
    // W' = W - w_j s^T and S'^-1 = S^-1 - pivot s s^T; row and column j become 0.
#pragma omp parallel for schedule(static) if (active >= kParallelFrom)
    for (std::ptrdiff_t row = 0; row < static_cast<std::ptrdiff_t>(active); ++row) {
      const auto i = static_cast<std::size_t>(row);
      double* inverse = mInverse.data() + i * mStride;
      double* gram = mGram.data() + i * mStride;
      const double byInverse = pivot * s[i];
      const double byS = own * s[i] - h[i];
      const double byH = s[i];
      for (std::size_t k = 0; k < active; ++k) {
        inverse[k] -= byInverse * s[k];
        gram[k] += byS * s[k] - byH * h[k];
      }
    }
    moveUnit(mInverse, active - 1, j);
    moveUnit(mGram, active - 1, j);
  }

 private:
  void moveUnit(std::vector<double>& matrix, std::size_t from, std::size_t to) const {
    if (from == to) return;
    const double corner = matrix[from * mStride + from];
    for (std::size_t k = 0; k < from; ++k) {
      matrix[to * mStride + k] = matrix[from * mStride + k];
      matrix[k * mStride + to] = matrix[k * mStride + from];
    }
    matrix[to * mStride + to] = corner;
  }

  std::size_t mStride;
  std::vector<double> mInverse;
  std::vector<double> mGram;
  double mScale = 0.0;
};

}  // namespace

Elimination eliminateUnits(std::span<const LinearUse> uses, std::size_t n, double ridge) {
  constexpr std::string_view kWhere = "statistics::eliminateUnits";
  if (uses.empty()) throwExpected(kWhere, "at least one use", "none");
  if (!(ridge > 0.0)) throwExpected(kWhere, "ridge > 0", std::to_string(ridge));
  for (const LinearUse& use : uses) {
    checkSquare(kWhere, use.covariance, n);
    checkSquare(kWhere, use.gram, n);
  }
  std::vector<UseState> states;
  for (const LinearUse& use : uses) states.emplace_back(use, n, ridge);
  std::vector<std::size_t> unit(n);
  std::iota(unit.begin(), unit.end(), std::size_t{0});
  Elimination result;
  double total = 0.0;
  for (std::size_t active = n; active > 0; --active) {
    std::size_t best = 0;
    double least = 0.0;
    for (std::size_t j = 0; j < active; ++j) {
      double loss = 0.0;
      for (const UseState& state : states) loss += state.loss(j);
      if (j == 0 || loss < least || (loss == least && unit[j] < unit[best])) {
        best = j;
        least = loss;
      }
    }
    total += std::max(least, 0.0);
    result.order.push_back(unit[best]);
    result.loss.push_back(total);
    for (UseState& state : states) state.remove(best, active);
    unit[best] = unit[active - 1];
  }
  return result;
}

std::vector<std::size_t> pivotedCholesky(std::span<const double> covariance, std::size_t n) {
  checkSquare("statistics::pivotedCholesky", covariance, n);
  std::vector<double> rest(covariance.begin(), covariance.end());
  std::vector<bool> isTaken(n, false);
  std::vector<std::size_t> order;
  double largest = 0.0;
  for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, covariance[i * n + i]);
  while (order.size() < n) {
    std::size_t best = n;
    double most = 0.0;
    for (std::size_t j = 0; j < n; ++j) {
      const double pivot = rest[j * n + j];
      if (isTaken[j] || pivot <= 1e-12 * largest) continue;
      double explained = 0.0;
      for (std::size_t k = 0; k < n; ++k) explained += rest[j * n + k] * rest[j * n + k];
      if (explained / pivot > most) {
        most = explained / pivot;
        best = j;
      }
    }
    if (best == n) break;
    isTaken[best] = true;
    order.push_back(best);
    const std::vector<double> column(rest.begin() + static_cast<std::ptrdiff_t>(best * n),
                                     rest.begin() + static_cast<std::ptrdiff_t>((best + 1) * n));
    const double pivot = column[best];
#pragma omp parallel for schedule(static) if (n >= kParallelFrom)
    for (std::ptrdiff_t row = 0; row < static_cast<std::ptrdiff_t>(n); ++row) {
      const auto i = static_cast<std::size_t>(row);
      const double factor = column[i] / pivot;
      for (std::size_t k = 0; k < n; ++k) rest[i * n + k] -= factor * column[k];
    }
  }
  for (std::size_t j = 0; j < n; ++j) {
    if (!isTaken[j]) order.push_back(j);
  }
  return order;
}

UnitPrediction predictUnits(std::span<const double> covariance, std::span<const double> mean, std::span<const std::size_t> kept,
                            double ridge) {
  constexpr std::string_view kWhere = "statistics::predictUnits";
  const std::size_t n = mean.size();
  checkSquare(kWhere, covariance, n);
  if (!std::is_sorted(kept.begin(), kept.end()) || (!kept.empty() && kept.back() >= n) ||
      std::adjacent_find(kept.begin(), kept.end()) != kept.end()) {
    throwExpected(kWhere, "kept units below " + std::to_string(n) + ", ascending", "others");
  }
  UnitPrediction result;
  for (std::size_t j = 0; j < n; ++j) {
    if (!std::binary_search(kept.begin(), kept.end(), j)) result.removed.push_back(j);
  }
  const std::size_t k = kept.size();
  const std::size_t r = result.removed.size();
  std::vector<double> block(k * k);
  std::vector<double> solution(k * r);  // A_kk^-1 A_kr
  for (std::size_t a = 0; a < k; ++a) {
    for (std::size_t b = 0; b < k; ++b) block[a * k + b] = covariance[kept[a] * n + kept[b]];
    for (std::size_t b = 0; b < r; ++b) solution[a * r + b] = covariance[kept[a] * n + result.removed[b]];
  }
  block = regularised(block, k, ridge);
  if (!denseKernels().solvePositive(block.data(), k, solution.data(), r)) std::fill(solution.begin(), solution.end(), 0.0);
  result.coefficients.resize(r * k);
  for (std::size_t b = 0; b < r; ++b) {
    double offset = mean[result.removed[b]];
    for (std::size_t a = 0; a < k; ++a) {
      const double value = solution[a * r + b];
      result.coefficients[b * k + a] = value;
      offset -= value * mean[kept[a]];
    }
    result.offset.push_back(offset);
  }
  return result;
}

}  // namespace Aidge::statistics
