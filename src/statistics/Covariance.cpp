#include "aidge/statistics/Covariance.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "DenseKernels.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/data/Finite.hpp"

namespace Aidge::statistics {

namespace {

/// Rows that are taken together: enough to make the rank update worth its pass over the matrix.
constexpr std::size_t kRows = 256;
/// Units of a panel: wide enough for a good matrix product, narrow enough to waste little below the diagonal.
constexpr std::size_t kPanel = 96;
/// Units from which a second thread pays.
constexpr std::size_t kParallelFrom = 256;

std::string samplesText(std::size_t first, std::size_t end) {
  return "samples " + std::to_string(first) + " to " + std::to_string(end - 1);
}

}  // namespace

Covariance::Covariance(std::size_t units) { setUnits(units); }

Covariance::Covariance(std::size_t samples, std::span<const double> mean, std::span<const double> scatter) {
  constexpr std::string_view kWhere = "statistics::Covariance";
  const std::size_t triangle = mean.size() * (mean.size() + 1) / 2;
  if (scatter.size() != triangle) {
    throwExpected(kWhere, std::to_string(triangle) + " elements of the scatter of " + std::to_string(mean.size()) + " units",
                  std::to_string(scatter.size()));
  }
  if (mean.empty() && samples != 0) throwExpected(kWhere, "units", "samples without units");
  if (!allFinite(mean) || !allFinite(scatter)) throwExpected(kWhere, "finite values", "NaN or infinity");
  if (mean.empty()) return;
  setUnits(mean.size());
  mSamples = samples;
  mMean.assign(mean.begin(), mean.end());
  forTriangle(*this, [next = scatter.begin()](std::size_t, std::size_t, double& element) mutable { element = *next++; });
}

void Covariance::setUnits(std::size_t units) {
  if (units == 0) throwExpected("statistics::Covariance", "at least one unit", "0");
  mUnits = units;
  mMean.assign(units, 0.0);
  const Panel last = panels().back();
  mScatter.assign(last.offset + last.width * last.columns, 0.0);
}

std::vector<Covariance::Panel> Covariance::panels() const {
  std::vector<Panel> result;
  std::size_t offset = 0;
  for (std::size_t first = 0; first < mUnits; first += kPanel) {
    result.push_back({first, std::min(kPanel, mUnits - first), mUnits - first, offset});
    offset += result.back().width * result.back().columns;
  }
  return result;
}

template <typename Self, typename Use> void Covariance::forTriangle(Self& self, const Use& use) {
  auto consume = use;
  for (const Panel& panel : self.panels()) {
    for (std::size_t i = 0; i < panel.width; ++i) {
      for (std::size_t j = i; j < panel.columns; ++j) {
        consume(panel.first + i, panel.first + j, self.mScatter[panel.offset + i * panel.columns + j]);
      }
    }
  }
}

template <typename T> void Covariance::addRows(std::span<const T> rows, std::size_t units) {
  constexpr std::string_view kWhere = "statistics::Covariance::add";
  if (mUnits == 0) setUnits(units);
  if (units != mUnits) throwExpected(kWhere, "rows of " + std::to_string(mUnits) + " units", std::to_string(units));
  if (rows.size() % units != 0) {
    throwExpected(kWhere, "whole rows of " + std::to_string(units) + " values", std::to_string(rows.size()) + " values");
  }
  const std::size_t count = rows.size() / units;
  if (!allFinite(rows)) {
    throwExpected(kWhere, "finite values", "NaN or infinity in " + samplesText(samples(), samples() + count));
  }
  if (mRows.empty() && count > 0) mRows.resize((kRows + 1) * mUnits);
  for (std::size_t taken = 0; taken < count;) {
    const std::size_t now = std::min(count - taken, kRows - mPending);
    const auto part = rows.subspan(taken * units, now * units);
    std::copy(part.begin(), part.end(), mRows.begin() + static_cast<std::ptrdiff_t>(mPending * units));
    mPending += now;
    taken += now;
    if (mPending == kRows) flush();
  }
}

void Covariance::add(std::span<const float> rows, std::size_t units) { addRows(rows, units); }
void Covariance::add(std::span<const double> rows, std::size_t units) { addRows(rows, units); }

void Covariance::flush() {
  if (mPending == 0) return;
  const auto rows = static_cast<double>(mPending);
  const auto before = static_cast<double>(mSamples);
  std::vector<double> mean(mUnits, 0.0);
  for (std::size_t r = 0; r < mPending; ++r) {
    for (std::size_t c = 0; c < mUnits; ++c) mean[c] += mRows[r * mUnits + c];
  }
  for (double& value : mean) value /= rows;
  for (std::size_t r = 0; r < mPending; ++r) {
    for (std::size_t c = 0; c < mUnits; ++c) mRows[r * mUnits + c] -= mean[c];
  }
  // The difference of the means enters as one more row, of weight n k / (n + k).
  const double weight = std::sqrt(before * rows / (before + rows));
  for (std::size_t c = 0; c < mUnits; ++c) {
    const double difference = mean[c] - mMean[c];
    mRows[mPending * mUnits + c] = weight * difference;
    mMean[c] += difference * (rows / (before + rows));
  }
  const std::vector<Panel> parts = panels();
  const auto addProduct = denseKernels().addProduct;
  const std::size_t count = mPending + 1;
#pragma omp parallel for schedule(dynamic) if (mUnits >= kParallelFrom)
  for (std::ptrdiff_t p = 0; p < std::ssize(parts); ++p) {
    const Panel& panel = parts[static_cast<std::size_t>(p)];
    const double* from = mRows.data() + panel.first;
    addProduct(from, mUnits, from, mUnits, count, panel.width, panel.columns, mScatter.data() + panel.offset);
  }
  mSamples += mPending;
  mPending = 0;
}

Covariance Covariance::flushed() const {
  Covariance copy(*this);
  copy.flush();
  return copy;
}

void Covariance::merge(const Covariance& other) {
  if (other.samples() == 0) return;
  if (other.mPending != 0) return merge(other.flushed());
  if (mUnits == 0) setUnits(other.mUnits);
  if (other.mUnits != mUnits) {
    throwExpected("statistics::Covariance::merge", std::to_string(mUnits) + " units", std::to_string(other.mUnits));
  }
  flush();
  const auto mine = static_cast<double>(mSamples);
  const auto theirs = static_cast<double>(other.mSamples);
  const double weight = mine * theirs / (mine + theirs);
  std::vector<double> difference(mUnits);
  for (std::size_t c = 0; c < mUnits; ++c) {
    difference[c] = other.mMean[c] - mMean[c];
    mMean[c] += difference[c] * (theirs / (mine + theirs));
  }
  forTriangle(*this, [&, next = other.mScatter.data(), own = mScatter.data()](std::size_t i, std::size_t j, double& element) {
    element += next[&element - own] + weight * difference[i] * difference[j];
  });
  mSamples += other.mSamples;
}

std::vector<double> Covariance::mean() const { return mPending == 0 ? mMean : flushed().mMean; }

std::vector<double> Covariance::scatter() const {
  if (mPending != 0) return flushed().scatter();
  std::vector<double> triangle;
  triangle.reserve(mUnits * (mUnits + 1) / 2);
  forTriangle(*this, [&](std::size_t, std::size_t, const double& element) { triangle.push_back(element); });
  return triangle;
}

std::vector<double> Covariance::matrix() const {
  constexpr std::string_view kWhere = "statistics::Covariance::matrix";
  if (mPending != 0) return flushed().matrix();
  if (mSamples < 2) throwExpected(kWhere, "at least 2 samples", std::to_string(mSamples));
  std::vector<double> result(mUnits * mUnits);
  const double scale = 1.0 / static_cast<double>(mSamples - 1);
  forTriangle(*this, [&](std::size_t i, std::size_t j, const double& element) {
    result[i * mUnits + j] = result[j * mUnits + i] = element * scale;
  });
  if (!allFinite(std::span<const double>(result))) throwExpected(kWhere, "values whose squares are finite", "an overflow");
  return result;
}

}  // namespace Aidge::statistics
