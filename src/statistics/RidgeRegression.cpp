#include "aidge/statistics/RidgeRegression.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "DenseKernels.hpp"
#include "aidge/core/Errors.hpp"

namespace Aidge::statistics {

namespace {

/// Second moments about the mean of rows [features, targets], divided by the rows, in blocks.
struct Blocks {
  std::size_t unknowns;
  std::size_t targets;
  std::vector<double> mean;          ///< (unknowns + targets)
  std::vector<double> features;      ///< (unknowns, unknowns), symmetric
  std::vector<double> cross;         ///< (unknowns, targets)
  std::vector<double> targetSquare;  ///< (targets): variance
};

void checkUnknowns(const Covariance& moments, std::size_t unknowns) {
  constexpr std::string_view kWhere = "statistics::ridgeRegression";
  if (moments.samples() == 0) throwExpected(kWhere, "at least 1 sample", "0");
  if (unknowns > moments.units()) {
    throwExpected(kWhere, "at most " + std::to_string(moments.units()) + " unknowns", std::to_string(unknowns));
  }
}

Blocks blocksOf(const Covariance& moments, std::size_t unknowns) {
  checkUnknowns(moments, unknowns);
  const std::size_t units = moments.units();
  const std::size_t targets = units - unknowns;
  const double scale = 1.0 / static_cast<double>(moments.samples());
  const std::vector<double> scatter = moments.scatter();
  Blocks blocks{unknowns, targets, moments.mean(), {}, {}, {}};
  blocks.features.resize(unknowns * unknowns);
  blocks.cross.resize(unknowns * targets);
  blocks.targetSquare.resize(targets);
  std::size_t next = 0;
  for (std::size_t i = 0; i < units; ++i) {
    for (std::size_t j = i; j < units; ++j, ++next) {
      const double value = scatter[next] * scale;
      if (j < unknowns) {
        blocks.features[i * unknowns + j] = blocks.features[j * unknowns + i] = value;
      } else if (i < unknowns) {
        blocks.cross[i * targets + j - unknowns] = value;
      } else if (i == j) {
        blocks.targetSquare[i - unknowns] = value;
      }
    }
  }
  return blocks;
}

double meanDiagonal(const Blocks& blocks) {
  double trace = 0.0;
  for (std::size_t i = 0; i < blocks.unknowns; ++i) trace += blocks.features[i * blocks.unknowns + i];
  return blocks.unknowns == 0 ? 0.0 : trace / static_cast<double>(blocks.unknowns);
}

LinearPrediction solve(const Blocks& blocks, double ridge) {
  if (!(ridge > 0.0)) throwExpected("statistics::ridgeRegression", "ridge > 0", std::to_string(ridge));
  const std::size_t n = blocks.unknowns;
  const std::size_t m = blocks.targets;
  LinearPrediction result;
  result.coefficients.assign(n * m, 0.0);
  const double added = ridge * meanDiagonal(blocks);
  if (std::isfinite(added) && added > 0.0) {
    std::vector<double> matrix = blocks.features;
    for (std::size_t i = 0; i < n; ++i) matrix[i * n + i] += added;
    std::vector<double> solution = blocks.cross;
    if (denseKernels().solvePositive(matrix.data(), n, solution.data(), m)) result.coefficients = std::move(solution);
  }
  result.intercept.assign(blocks.mean.begin() + static_cast<std::ptrdiff_t>(n), blocks.mean.end());
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t t = 0; t < m; ++t) result.intercept[t] -= blocks.mean[i] * result.coefficients[i * m + t];
  }
  return result;
}

/// Mean |y - D^T z - b|² = sum over targets of var(y) - 2 D·cov(z, y) + D^T G D, plus the square of the mean's error.
double errorOf(const Blocks& blocks, const LinearPrediction& prediction) {
  const std::size_t n = blocks.unknowns;
  const std::size_t m = blocks.targets;
  const std::vector<double>& d = prediction.coefficients;
  std::vector<double> product(n * m, 0.0);                                                     // G D
  denseKernels().addProduct(blocks.features.data(), n, d.data(), m, n, n, m, product.data());  // G is its own transpose
  double total = 0.0;
  for (const double variance : blocks.targetSquare) total += variance;
  std::vector<double> offset(blocks.mean.begin() + static_cast<std::ptrdiff_t>(n), blocks.mean.end());
  for (std::size_t t = 0; t < m; ++t) offset[t] -= prediction.intercept[t];
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t t = 0; t < m; ++t) {
      const double value = d[i * m + t];
      total += value * (product[i * m + t] - 2.0 * blocks.cross[i * m + t]);
      offset[t] -= blocks.mean[i] * value;
    }
  }
  for (const double value : offset) total += value * value;
  return std::max(total, 0.0);
}

}  // namespace

LinearPrediction ridgeRegression(const Covariance& moments, std::size_t unknowns, double ridge) {
  return solve(blocksOf(moments, unknowns), ridge);
}

double meanSquaredError(const Covariance& moments, std::size_t unknowns, const LinearPrediction& prediction) {
  const Blocks blocks = blocksOf(moments, unknowns);
  if (prediction.coefficients.size() != blocks.cross.size() || prediction.intercept.size() != blocks.targets) {
    throwExpected("statistics::meanSquaredError", std::to_string(blocks.cross.size()) + " coefficients",
                  std::to_string(prediction.coefficients.size()));
  }
  return errorOf(blocks, prediction);
}

double meanSquare(const Covariance& moments, std::size_t unknowns) {
  checkUnknowns(moments, unknowns);
  const std::size_t units = moments.units();
  const std::vector<double> scatter = moments.scatter();
  const std::vector<double> mean = moments.mean();
  double total = 0.0;
  for (std::size_t i = unknowns; i < units; ++i) {
    // Row i of the triangle begins behind units + (units - 1) + … elements.
    const double square = scatter[i * units - i * (i - 1) / 2];
    total += square / static_cast<double>(moments.samples()) + mean[i] * mean[i];
  }
  return total;
}

namespace {

/// Adds the second moments of `rows` about `centre` to an upper triangle.
void addScatter(const Covariance& rows, std::span<const double> centre, std::vector<double>& triangle) {
  const std::vector<double> scatter = rows.scatter();
  const std::vector<double> mean = rows.mean();
  const auto count = static_cast<double>(rows.samples());
  triangle.resize(scatter.size(), 0.0);
  std::size_t next = 0;
  for (std::size_t i = 0; i < mean.size(); ++i) {
    for (std::size_t j = i; j < mean.size(); ++j, ++next)
      triangle[next] += scatter[next] + count * (mean[i] - centre[i]) * (mean[j] - centre[j]);
  }
}

/// All rows of these sets, each from the centre of its set, as one.
Covariance centred(std::span<const Covariance* const> sets, std::span<const std::vector<double>> centres) {
  std::vector<double> triangle;
  std::size_t samples = 0;
  std::size_t units = 0;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    if (sets[i]->samples() == 0) continue;
    addScatter(*sets[i], centres[i], triangle);
    samples += sets[i]->samples();
    units = sets[i]->units();
  }
  return samples == 0 ? Covariance() : Covariance(samples, std::vector<double>(units, 0.0), triangle);
}

/// Means of the sets that have an intercept, zeros for the others.
std::vector<std::vector<double>> centresOf(std::span<const RidgeRows> sets, std::span<const Covariance* const> rows) {
  std::size_t units = 0;
  for (const Covariance* each : rows) units = std::max(units, each->units());
  std::vector<std::vector<double>> centres;
  for (std::size_t i = 0; i < sets.size(); ++i)
    centres.push_back(sets[i].hasIntercept && rows[i]->samples() > 0 ? rows[i]->mean() : std::vector<double>(units, 0.0));
  return centres;
}

bool isOne(std::span<const RidgeRows> sets) { return sets.size() == 1 && sets[0].hasIntercept; }

/// Errors on held-out rows.
struct HeldOutErrors {
  double ofNoChange = 0.0;
  std::vector<double> ofRidges;  ///< one a strength; empty: no rows for a fit, or none held out
  std::size_t rows = 0;
};

HeldOutErrors heldOutErrors(std::span<const RidgeRows> sets, std::size_t unknowns, std::span<const double> ridges) {
  HeldOutErrors errors;
  std::vector<const Covariance*> fit;
  std::vector<const Covariance*> held;
  for (const RidgeRows& set : sets) {
    fit.push_back(&set.fit);
    held.push_back(&set.held);
  }
  const auto centres = centresOf(sets, fit);
  const auto test = [&](const Covariance& fitted, const Covariance& tested) {
    if (fitted.units() != tested.units()) {
      throwExpected("statistics::heldOutRidge", std::to_string(fitted.units()) + " units", std::to_string(tested.units()));
    }
    const Blocks fittedBlocks = blocksOf(fitted, unknowns);
    const Blocks testedBlocks = blocksOf(tested, unknowns);
    for (const double ridge : ridges) errors.ofRidges.push_back(errorOf(testedBlocks, solve(fittedBlocks, ridge)));
  };
  if (isOne(sets)) {
    errors.rows = held[0]->samples();
    if (errors.rows > 0) errors.ofNoChange = meanSquare(*held[0], unknowns);
    if (errors.rows > 0 && fit[0]->samples() > 0) test(*fit[0], *held[0]);
    return errors;
  }
  const Covariance tested = centred(held, centres);
  errors.rows = tested.samples();
  if (errors.rows == 0) return errors;
  errors.ofNoChange = meanSquare(centred(held, std::vector(sets.size(), std::vector<double>(tested.units(), 0.0))), unknowns);
  const Covariance fitted = centred(fit, centres);
  if (fitted.samples() > 0) test(fitted, tested);
  return errors;
}

/// Coefficients and intercepts by all rows, held out or not.
void refit(std::span<const RidgeRows> sets, std::size_t unknowns, double ridge, TiedRidge& result) {
  std::vector<Covariance> everything;
  std::vector<const Covariance*> all;
  for (const RidgeRows& set : sets) {
    everything.push_back(set.fit);
    everything.back().merge(set.held);
  }
  for (const Covariance& each : everything) all.push_back(&each);
  result.ridge = ridge;
  if (isOne(sets)) {
    LinearPrediction prediction = ridgeRegression(everything[0], unknowns, ridge);
    result.coefficients = std::move(prediction.coefficients);
    result.intercepts = {std::move(prediction.intercept)};
    return;
  }
  const auto centres = centresOf(sets, all);
  const Covariance rows = centred(all, centres);
  result.coefficients = ridgeRegression(rows, unknowns, ridge).coefficients;
  const std::size_t targets = rows.units() - unknowns;
  for (const std::vector<double>& centre : centres) {
    auto& intercept = result.intercepts.emplace_back(centre.begin() + static_cast<std::ptrdiff_t>(unknowns), centre.end());
    for (std::size_t i = 0; i < unknowns; ++i) {
      for (std::size_t t = 0; t < targets; ++t) intercept[t] -= centre[i] * result.coefficients[i * targets + t];
    }
  }
}

}  // namespace

std::vector<TiedRidge> groupedRidge(std::span<const std::vector<RidgeRows>> groups, std::size_t unknowns, std::span<const double> ridges) {
  constexpr std::string_view kWhere = "statistics::groupedRidge";
  if (ridges.empty()) throwExpected(kWhere, "at least one strength", "none");
  std::vector<HeldOutErrors> errors(groups.size());
  std::vector<double> totals(ridges.size(), 0.0);
  double least = 0.0;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (groups[g].empty()) throwExpected(kWhere, "at least one set of rows", "none");
    errors[g] = heldOutErrors(groups[g], unknowns, ridges);
    const auto rows = static_cast<double>(errors[g].rows);
    least += rows * errors[g].ofNoChange;
    for (std::size_t r = 0; r < totals.size(); ++r)
      totals[r] += rows * (errors[g].ofRidges.empty() ? errors[g].ofNoChange : errors[g].ofRidges[r]);
  }
  std::optional<std::size_t> best;
  for (std::size_t r = 0; r < totals.size(); ++r) {
    if (totals[r] >= least) continue;
    least = totals[r];
    best = r;
  }
  std::vector<TiedRidge> results(groups.size());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    results[g].errorBefore = results[g].errorAfter = errors[g].ofNoChange;
    if (!best || errors[g].ofRidges.empty()) continue;
    results[g].errorAfter = errors[g].ofRidges[*best];
    refit(groups[g], unknowns, ridges[*best], results[g]);
  }
  return results;
}

TiedRidge tiedRidge(std::span<const RidgeRows> sets, std::size_t unknowns, std::span<const double> ridges) {
  const std::vector<RidgeRows> group(sets.begin(), sets.end());
  return groupedRidge(std::span(&group, 1), unknowns, ridges).front();
}

HeldOutRidge heldOutRidge(const Covariance& fit, const Covariance& held, std::size_t unknowns, std::span<const double> ridges) {
  const RidgeRows rows{fit, held, true};
  TiedRidge found = tiedRidge(std::span(&rows, 1), unknowns, ridges);
  HeldOutRidge result{found.ridge, {}, found.errorBefore, found.errorAfter};
  if (found.ridge) result.prediction = {std::move(found.coefficients), std::move(found.intercepts.front())};
  return result;
}

}  // namespace Aidge::statistics
