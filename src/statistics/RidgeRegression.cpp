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

HeldOutRidge heldOutRidge(const Covariance& fit, const Covariance& held, std::size_t unknowns, std::span<const double> ridges) {
  constexpr std::string_view kWhere = "statistics::heldOutRidge";
  if (ridges.empty()) throwExpected(kWhere, "at least one strength", "none");
  HeldOutRidge result;
  if (held.samples() > 0) result.errorBefore = result.errorAfter = meanSquare(held, unknowns);
  if (fit.samples() == 0 || held.samples() == 0) return result;
  if (fit.units() != held.units()) throwExpected(kWhere, std::to_string(fit.units()) + " units", std::to_string(held.units()));
  {
    const Blocks fitted = blocksOf(fit, unknowns);
    const Blocks tested = blocksOf(held, unknowns);
    for (const double ridge : ridges) {
      const double error = errorOf(tested, solve(fitted, ridge));
      if (error >= result.errorAfter) continue;
      result.errorAfter = error;
      result.ridge = ridge;
    }
  }
  if (!result.ridge) return result;
  Covariance all(fit);
  all.merge(held);
  result.prediction = ridgeRegression(all, unknowns, *result.ridge);
  return result;
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

}  // namespace

TiedRidge tiedRidge(std::span<const RidgeRows> sets, std::size_t unknowns, std::span<const double> ridges) {
  if (sets.empty()) throwExpected("statistics::tiedRidge", "at least one set of rows", "none");
  TiedRidge result;
  if (sets.size() == 1 && sets[0].hasIntercept) {
    HeldOutRidge single = heldOutRidge(sets[0].fit, sets[0].held, unknowns, ridges);
    return {single.ridge,
            std::move(single.prediction.coefficients),
            {std::move(single.prediction.intercept)},
            single.errorBefore,
            single.errorAfter};
  }
  if (ridges.empty()) throwExpected("statistics::tiedRidge", "at least one strength", "none");
  std::vector<Covariance> everything;
  std::vector<const Covariance*> fit;
  std::vector<const Covariance*> held;
  std::vector<const Covariance*> all;
  for (const RidgeRows& set : sets) {
    everything.push_back(set.fit);
    everything.back().merge(set.held);
    fit.push_back(&set.fit);
    held.push_back(&set.held);
  }
  for (const Covariance& each : everything) all.push_back(&each);
  const auto fitCentres = centresOf(sets, fit);
  const Covariance tested = centred(held, fitCentres);
  if (tested.samples() == 0) return result;
  result.errorBefore = result.errorAfter =
      meanSquare(centred(held, std::vector(sets.size(), std::vector<double>(tested.units(), 0.0))), unknowns);
  const Covariance fitted = centred(fit, fitCentres);
  if (fitted.samples() == 0) return result;
  const Blocks fittedBlocks = blocksOf(fitted, unknowns);
  const Blocks testedBlocks = blocksOf(tested, unknowns);
  for (const double ridge : ridges) {
    const double error = errorOf(testedBlocks, solve(fittedBlocks, ridge));
    if (error >= result.errorAfter) continue;
    result.errorAfter = error;
    result.ridge = ridge;
  }
  if (!result.ridge) return result;
  const auto centres = centresOf(sets, all);
  result.coefficients = ridgeRegression(centred(all, centres), unknowns, *result.ridge).coefficients;
  const std::size_t targets = tested.units() - unknowns;
  for (const std::vector<double>& centre : centres) {
    auto& intercept = result.intercepts.emplace_back(centre.begin() + static_cast<std::ptrdiff_t>(unknowns), centre.end());
    for (std::size_t i = 0; i < unknowns; ++i) {
      for (std::size_t t = 0; t < targets; ++t) intercept[t] -= centre[i] * result.coefficients[i * targets + t];
    }
  }
  return result;
}

}  // namespace Aidge::statistics
