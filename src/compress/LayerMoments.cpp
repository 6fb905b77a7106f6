#include "LayerMoments.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "Patches.hpp"

namespace Aidge::compress {

namespace {

/// Several groups side by side; one alone has all threads for itself.
template <typename Use> void forGroups(std::size_t groups, const Use& use) {
  if (groups == 1) return use(0);
  std::exception_ptr failure;
#pragma omp parallel for schedule(static)
  for (std::ptrdiff_t g = 0; g < static_cast<std::ptrdiff_t>(groups); ++g) {
    try {
      use(static_cast<std::size_t>(g));
    } catch (...) {
#pragma omp critical(aidge_layer_moments)
      failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

std::size_t rowsOf(const FittedLayer& fitted, const CompensationOptions& options) {
  constexpr std::size_t kFewer = 8;  // a group has few unknowns, and there are many groups
  const LinearNode& layer = fitted.layer;
  const std::size_t least = layer.groups > 1 ? std::max<std::size_t>(1, options.minRows / kFewer) : options.minRows;
  return std::max(least, options.rowsPerUnknown * layer.unknowns());
}

LayerMoments::LayerMoments(std::vector<const FittedLayer*> uses, std::vector<std::size_t> biasOf, const std::vector<bool>& isFree,
                           std::size_t samples, const CompensationOptions& options)
    : mUses(std::move(uses)), mBiasOf(std::move(biasOf)), mSamples(samples), mOptions(&options), mTargets(mUses.size()) {
  mMoments.resize(mUses.front()->layer.groups);
  for (auto& group : mMoments) {
    for (const bool free : isFree) group.push_back({{}, {}, free});
  }
}

void LayerMoments::add(std::size_t use, const Tensor& input, const Tensor& output, const Tensor& target, std::size_t firstSample,
                       const std::vector<bool>& isHeld) {
  const FittedLayer& fitted = *mUses[use];
  const LinearNode& layer = fitted.layer;
  const PatchReader patches(layer, input.dims());
  const PositionSampler sampler(mSamples, patches.positions(), rowsOf(fitted, *mOptions));
  const auto batch = static_cast<std::size_t>(input.dims()[0]);
  const std::size_t unknowns = layer.unknowns();
  const std::size_t outputs = layer.outputsPerGroup();
  const std::size_t units = layer.unitsPerGroup();
  const float* in = input.data<float>().data();
  const float* out = output.data<float>().data();
  const float* wanted = target.data<float>().data();
  const std::size_t area = output.size() / batch / layer.outputs;
  const std::size_t wantedStride = target.size() / batch;
  for (std::size_t begin = 0; begin < batch;) {
    std::vector<Place> places;
    std::size_t end = begin;
    for (; end < batch && places.size() * units * layer.groups < kChunk; ++end) {
      for (const std::size_t position : sampler.of(firstSample + end)) places.push_back({end, position, isHeld[firstSample + end]});
    }
    const auto held = std::stable_partition(places.begin(), places.end(), [](const Place& place) { return !place.isHeld; });
    const auto fits = static_cast<std::size_t>(held - places.begin());
    const std::size_t stride = places.size() * units;  // from group to group
    mRows.resize(stride * layer.groups);
#pragma omp parallel for schedule(static)
    for (std::ptrdiff_t p = 0; p < std::ssize(places); ++p) {
      const auto& [n, position, unused] = places[static_cast<std::size_t>(p)];
      double* row = mRows.data() + static_cast<std::size_t>(p) * units;
      patches.read(in + n * (input.size() / batch), position, row, stride);
      for (std::size_t o = 0; o < layer.outputs; ++o) {
        row[o / outputs * stride + unknowns + o % outputs] =
            static_cast<double>(wanted[n * wantedStride + fitted.kept[o] * area + position]) -
            static_cast<double>(out[(n * layer.outputs + o) * area + position]);
      }
    }
    const std::span<const double> rows(mRows);
    const auto take = [&](std::size_t g) {
      statistics::RidgeRows& moments = mMoments[g][mBiasOf[use]];
      moments.fit.add(rows.subspan(g * stride, fits * units), units);
      moments.held.add(rows.subspan(g * stride + fits * units, stride - fits * units), units);
    };
    forGroups(layer.groups, take);
    for (auto place = held; place != places.end(); ++place)
      mTargets[use].add(fitted, wanted + place->sample * wantedStride + place->position, area);
    begin = end;
  }
}

std::vector<statistics::TiedRidge> LayerMoments::solve(std::span<const double> ridges) const {
  return statistics::groupedRidge(mMoments, mUses.front()->layer.unknowns(), ridges);
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
