#include "aidge/statistics/UnitElimination.hpp"

#include <algorithm>
#include <cmath>
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

/// Removals that are worked into the matrices together.
constexpr std::size_t kBlock = 64;
/// Rows of a matrix that one thread updates at a time.
constexpr std::size_t kPanel = 96;

/// One use while units go. Matrices are those before the last few removals, which stand beside them as vectors; diagonals are current.
class UseState {
 public:
  UseState(const LinearUse& use, std::size_t n, double ridge) : mSize(n), mInverse(n * n, 0.0), mGram(use.gram) {
    std::vector<double> matrix = regularised(use.covariance, n, ridge);
    double energy = 0.0;
    for (std::size_t i = 0; i < n * n; ++i) energy += matrix[i] * mGram[i];  // tr(W S W^T)
    mScale = energy > 0.0 ? use.weight / energy : 0.0;
    for (std::size_t i = 0; i < n; ++i) mInverse[i * n + i] = 1.0;
    if (!denseKernels().solvePositive(matrix.data(), n, mInverse.data(), n)) {
      throwExpected("statistics::eliminateUnits", "a covariance that is positive semi-definite", "another matrix");
    }
    for (std::size_t i = 0; i < n; ++i) {
      mInverseDiagonal.push_back(mInverse[i * n + i]);
      mGramDiagonal.push_back(mGram[i * n + i]);
    }
  }

  [[nodiscard]] double loss(std::size_t j) const { return mScale * std::max(mGramDiagonal[j], 0.0) / mInverseDiagonal[j]; }

  /// Unit j goes: W' = W - w_j s^T, so gram' = gram - v s^T - s v^T, and inverse' = inverse - pivot s s^T, with s = (column j of the inverse) / pivot, pivot its
  /// diagonal, v = (column j of the gram) - s · (its diagonal) / 2.
  void remove(std::size_t j) {
    std::vector<double> s(mInverse.begin() + offset(j), mInverse.begin() + offset(j + 1));
    std::vector<double> v(mGram.begin() + offset(j), mGram.begin() + offset(j + 1));
    for (std::size_t k = 0; k < mPending; ++k) {
      const double* sk = mS.data() + k * mSize;
      const double* vk = mV.data() + k * mSize;
      const double byInverse = mPivots[k] * sk[j];
      for (std::size_t i = 0; i < mSize; ++i) {
        s[i] -= byInverse * sk[i];
        v[i] -= vk[j] * sk[i] + sk[j] * vk[i];
      }
    }
    const double pivot = s[j];
    const double own = v[j];
    for (std::size_t i = 0; i < mSize; ++i) {
      s[i] /= pivot;
      v[i] -= 0.5 * own * s[i];
      mInverseDiagonal[i] -= pivot * s[i] * s[i];
      mGramDiagonal[i] -= 2.0 * v[i] * s[i];
    }
    mS.insert(mS.end(), s.begin(), s.end());
    mV.insert(mV.end(), v.begin(), v.end());
    mPivots.push_back(pivot);
    if (++mPending == kBlock) flush();
  }

 private:
  [[nodiscard]] std::ptrdiff_t offset(std::size_t row) const { return static_cast<std::ptrdiff_t>(row * mSize); }

  void flush() {
    std::vector<double> minusPs(mS.size());
    std::vector<double> minusS(mS.size());
    std::vector<double> minusV(mS.size());
    for (std::size_t i = 0; i < mS.size(); ++i) {
      minusPs[i] = -mPivots[i / mSize] * mS[i];
      minusS[i] = -mS[i];
      minusV[i] = -mV[i];
    }
    const auto addProduct = denseKernels().addProduct;
    const std::size_t panels = (mSize + kPanel - 1) / kPanel;
#pragma omp parallel for schedule(dynamic) if (mSize >= kParallelFrom)
    for (std::ptrdiff_t panel = 0; panel < static_cast<std::ptrdiff_t>(panels); ++panel) {
      const std::size_t first = static_cast<std::size_t>(panel) * kPanel;
      const std::size_t width = std::min(kPanel, mSize - first);
      addProduct(minusPs.data() + first, mSize, mS.data(), mSize, mPending, width, mSize, mInverse.data() + first * mSize);
      addProduct(minusV.data() + first, mSize, mS.data(), mSize, mPending, width, mSize, mGram.data() + first * mSize);
      addProduct(minusS.data() + first, mSize, mV.data(), mSize, mPending, width, mSize, mGram.data() + first * mSize);
    }
    mS.clear();
    mV.clear();
    mPivots.clear();
    mPending = 0;
  }

  std::size_t mSize;
  std::vector<double> mInverse;  ///< (n, n)
  std::vector<double> mGram;     ///< (n, n)
  std::vector<double> mInverseDiagonal;
  std::vector<double> mGramDiagonal;
  std::vector<double> mS;  ///< (pending, n)
  std::vector<double> mV;
  std::vector<double> mPivots;
  std::size_t mPending = 0;
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
  std::vector<bool> isGone(n, false);
  Elimination result;
  double total = 0.0;
  while (result.order.size() < n) {
    std::size_t best = n;
    double least = 0.0;
    for (std::size_t j = 0; j < n; ++j) {
      if (isGone[j]) continue;
      double loss = 0.0;
      for (const UseState& state : states) loss += state.loss(j);
      if (best == n || loss < least) {
        best = j;
        least = loss;
      }
    }
    total += least;
    isGone[best] = true;
    result.order.push_back(best);
    result.loss.push_back(total);
    for (UseState& state : states) state.remove(best);
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
