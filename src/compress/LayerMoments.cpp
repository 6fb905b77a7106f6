#include "LayerMoments.hpp"

#include <algorithm>
#include <utility>

#include "Patches.hpp"

namespace Aidge::compress {

std::size_t rowsOf(const FittedLayer& fitted, const CompensationOptions& options) {
  return std::max(options.minRows, options.rowsPerUnknown * fitted.layer.unknowns());
}

LayerMoments::LayerMoments(std::vector<const FittedLayer*> uses, std::vector<std::size_t> biasOf, const std::vector<bool>& isFree,
                           std::size_t samples, const CompensationOptions& options)
    : mUses(std::move(uses)), mBiasOf(std::move(biasOf)), mSamples(samples), mOptions(&options), mTargets(mUses.size()) {
  for (const bool free : isFree) mMoments.push_back({{}, {}, free});
}

void LayerMoments::add(std::size_t use, const Tensor& input, const Tensor& output, const Tensor& target, std::size_t firstSample,
                       const std::vector<bool>& isHeld) {
  const FittedLayer& fitted = *mUses[use];
  statistics::RidgeRows& moments = mMoments[mBiasOf[use]];
  const LinearNode& layer = fitted.layer;
  const PatchReader patches(layer, input.dims());
  const PositionSampler sampler(mSamples, patches.positions(), rowsOf(fitted, *mOptions));
  const auto batch = static_cast<std::size_t>(input.dims()[0]);
  const std::size_t unknowns = layer.unknowns();
  const std::size_t units = unknowns + layer.outputs;
  const float* in = input.data<float>().data();
  const float* out = output.data<float>().data();
  const float* wanted = target.data<float>().data();
  const std::size_t area = output.size() / batch / layer.outputs;
  const std::size_t wantedStride = target.size() / batch;
  for (std::size_t begin = 0; begin < batch;) {
    std::vector<Place> places;
    std::size_t end = begin;
    for (; end < batch && places.size() * units < kChunk; ++end) {
      for (const std::size_t position : sampler.of(firstSample + end)) places.push_back({end, position});
    }
    mRows.resize(places.size() * units);
#pragma omp parallel for schedule(static)
    for (std::ptrdiff_t p = 0; p < std::ssize(places); ++p) {
      const auto [n, position] = places[static_cast<std::size_t>(p)];
      double* row = mRows.data() + static_cast<std::size_t>(p) * units;
      patches.read(in + n * (input.size() / batch), position, row);
      for (std::size_t o = 0; o < layer.outputs; ++o) {
        row[unknowns + o] = static_cast<double>(wanted[n * wantedStride + fitted.kept[o] * area + position]) -
                            static_cast<double>(out[(n * layer.outputs + o) * area + position]);
      }
    }
    for (std::size_t p = 0; p < places.size(); ++p) {
      const bool isHeldOut = isHeld[firstSample + places[p].sample];
      (isHeldOut ? moments.held : moments.fit).add(std::span<const double>(mRows).subspan(p * units, units), units);
      if (isHeldOut) mTargets[use].add(fitted, wanted + places[p].sample * wantedStride + places[p].position, area);
    }
    begin = end;
  }
}

statistics::TiedRidge LayerMoments::solve(std::span<const double> ridges) const {
  return statistics::tiedRidge(mMoments, mUses.front()->layer.unknowns(), ridges);
}

double LayerMoments::targetVariance() const {
  double total = 0.0;
  double all = 0.0;
  for (const Targets& targets : mTargets) {
    const double rows = static_cast<double>(std::max<std::size_t>(targets.rows, 1));
    double variance = 0.0;
    for (std::size_t o = 0; o < targets.sum.size(); ++o)
      variance += std::max(0.0, targets.square[o] / rows - targets.sum[o] / rows * targets.sum[o] / rows);
    total += variance * rows;
    all += rows;
  }
  return total / all;
}

void LayerMoments::Targets::add(const FittedLayer& fitted, const float* position, std::size_t area) {
  sum.resize(fitted.kept.size());
  square.resize(fitted.kept.size());
  for (std::size_t o = 0; o < sum.size(); ++o) {
    const double value = position[fitted.kept[o] * area];
    sum[o] += value;
    square[o] += value * value;
  }
  ++rows;
}

OutputMoments::OutputMoments(std::vector<const FittedLayer*> uses)
    : mUses(std::move(uses)), mFit(mUses.front()->layer.outputs), mHeld(mUses.front()->layer.outputs) {}

void OutputMoments::add(std::size_t use, const Tensor& output, const Tensor& target, std::size_t firstSample,
                        const std::vector<bool>& isHeld) {
  const FittedLayer& fitted = *mUses[use];
  const auto batch = static_cast<std::size_t>(output.dims()[0]);
  const std::size_t channels = fitted.layer.outputs;
  const std::size_t area = output.size() / batch / channels;
  const std::size_t stride = target.size() / batch;
  const std::span<const float> now = output.data<float>();
  const std::span<const float> wanted = target.data<float>();
  for (std::size_t n = 0; n < batch; ++n) {
    statistics::ChannelRegression& moments = isHeld[firstSample + n] ? mHeld : mFit;
    for (std::size_t c = 0; c < channels; ++c)
      moments.add(c, now.subspan((n * channels + c) * area, area), wanted.subspan(n * stride + fitted.kept[c] * area, area));
  }
}

std::optional<statistics::ChannelRegression::Maps> OutputMoments::solve(LayerCompensation& result) const {
  const std::size_t outputs = mUses.front()->layer.outputs;
  const double scale = mHeld.variance() > 0.0 ? mHeld.variance() : 1.0;
  result.errorBefore = result.errorAfter =
      mHeld.meanSquaredError({std::vector<double>(outputs, 1.0), std::vector<double>(outputs, 0.0)}) / scale;
  const double matched = mHeld.meanSquaredError(mFit.matching()) / scale;
  if (!(matched < result.errorBefore)) return std::nullopt;
  result.errorAfter = matched;
  statistics::ChannelRegression all = mFit;
  all.merge(mHeld);
  return all.matching();
}

}  // namespace Aidge::compress
