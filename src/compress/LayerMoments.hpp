// Private to compress: what least squares and matching need to know of the layers that share a weight.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "CompensationPlan.hpp"
#include "aidge/compress/Compensate.hpp"
#include "aidge/data/Tensor.hpp"
#include "aidge/statistics/ChannelRegression.hpp"
#include "aidge/statistics/RidgeRegression.hpp"

namespace Aidge::compress {

/// Positions of all samples that are looked at, about.
[[nodiscard]] std::size_t rowsOf(const FittedLayer& fitted, const CompensationOptions& options);

/// The moments of [patch, original - current] over all uses of a weight, of the samples for the fit and of those held out; of each group by itself.
class LayerMoments {
 public:
  /// `uses`: the layers that share the weight. `biasOf`: for each of them the number of its bias. `isFree`: for each bias whether it may change. `samples`: how
  /// many will be looked at.
  LayerMoments(std::vector<const FittedLayer*> uses, std::vector<std::size_t> biasOf, const std::vector<bool>& isFree, std::size_t samples,
               const CompensationOptions& options);

  /// Adds a batch of the use of this number. `isHeld`: for each sample of the data.
  void add(std::size_t use, const Tensor& input, const Tensor& output, const Tensor& target, std::size_t firstSample,
           const std::vector<bool>& isHeld);
  /// For each group of the layer, one intercept for each bias.
  [[nodiscard]] std::vector<statistics::TiedRidge> solve(std::span<const double> ridges) const;
  /// Variance of the original's outputs on the held-out samples, summed over them; of several uses the mean, by their rows.
  [[nodiscard]] double targetVariance() const;

 private:
  struct Place {
    std::size_t sample;
    std::size_t position;
    bool isHeld;
  };
  /// Sums over the held-out targets of one use.
  struct Targets {
    std::vector<double> sum;
    std::vector<double> square;
    std::size_t rows = 0;
    void add(const FittedLayer& fitted, const float* position, std::size_t area);
  };
  /// Values of rows that are cut out together.
  static constexpr std::size_t kChunk = std::size_t{1} << 22;

  std::vector<const FittedLayer*> mUses;
  std::vector<std::size_t> mBiasOf;
  std::size_t mSamples;
  const CompensationOptions* mOptions;
  std::vector<double> mRows;
  std::vector<std::vector<statistics::RidgeRows>> mMoments;  ///< of each group and bias
  std::vector<Targets> mTargets;                             ///< of each use
};

/// The moments of (current output, original output), a channel, over all uses of a weight, of the samples for the fit and of those held out.
class OutputMoments {
 public:
  explicit OutputMoments(std::vector<const FittedLayer*> uses);

  void add(std::size_t use, const Tensor& output, const Tensor& target, std::size_t firstSample, const std::vector<bool>& isHeld);
  /// The maps, refitted on all samples; nothing where those of the fit are no better than none on the held-out samples.
  [[nodiscard]] std::optional<statistics::ChannelRegression::Maps> solve(LayerCompensation& result) const;

 private:
  std::vector<const FittedLayer*> mUses;
  statistics::ChannelRegression mFit;
  statistics::ChannelRegression mHeld;
};

}  // namespace Aidge::compress
