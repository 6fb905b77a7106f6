#include "aidge/compress/Compensate.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <set>
#include <span>

#include "../layers/Layers.hpp"
#include "CompensationPlan.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/operator/Operator.hpp"
#include "aidge/statistics/ChannelRegression.hpp"
#include "aidge/statistics/Covariance.hpp"
#include "aidge/statistics/RidgeRegression.hpp"

namespace Aidge::compress {

namespace {

constexpr std::string_view kWhereCompensate = "compress::compensate";
using layers::kBias;
using layers::kWeight;

/// A number that looks random but is the same everywhere (Steele, Lea and Flood's SplitMix64).
std::uint64_t scrambled(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15U;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

/// Which samples are held out: a share without any order.
std::vector<bool> heldOutSamples(std::size_t samples, double share) {
  std::vector<std::size_t> order(samples);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [](std::size_t a, std::size_t b) { return scrambled(a) < scrambled(b); });
  std::vector<bool> isHeld(samples, false);
  const auto count = static_cast<std::size_t>(static_cast<double>(samples) * share + 0.5);
  for (std::size_t i = 0; i < std::min(std::max<std::size_t>(count, samples > 1 ? 1 : 0), samples); ++i) isHeld[order[i]] = true;
  return isHeld;
}

/// Positions of all samples that are looked at, about.
std::size_t rowsOf(const FittedLayer& fitted, const CompensationOptions& options) {
  return std::max(options.minRows, options.rowsPerUnknown * fitted.layer.unknowns());
}

/// Batches that are run for a set of layers: neighbouring positions tell the same, so of large images fewer samples do.
class BatchChoice {
 public:
  BatchChoice(std::span<const std::size_t> group, const std::vector<FittedLayer>& layers, const CalibrationData& data,
              const CompensationOptions& options)
      : mBatches(data.batches()) {
    std::size_t needed = kFewest;
    for (const std::size_t i : group) {
      const std::size_t each = std::max<std::size_t>(1, layers[i].positions / kNeighbours);
      needed = std::max(needed, rowsOf(layers[i], options) / each + 1);
    }
    const std::size_t samples = data.samples();
    mChosen = needed >= samples ? mBatches : std::min(mBatches, (needed * mBatches + samples - 1) / samples);
    data.forEachIndex([&](const CalibrationData::Batch& batch) {
      if (contains(batch.index)) mSamples += batch.samples;
    });
  }
  /// Spread evenly.
  [[nodiscard]] bool contains(std::size_t batch) const { return (batch + 1) * mChosen / mBatches > batch * mChosen / mBatches; }
  [[nodiscard]] std::size_t samples() const noexcept { return mSamples; }

 private:
  static constexpr std::size_t kNeighbours = 16;  ///< positions that tell about as much as one
  static constexpr std::size_t kFewest = 128;
  std::size_t mBatches;
  std::size_t mChosen = 0;
  std::size_t mSamples = 0;
};

/// The moments of [patch, original - current] of one layer, of the samples for the fit and of those held out.
class LayerMoments {
 public:
  LayerMoments(const FittedLayer& fitted, std::size_t samples, const CompensationOptions& options)
      : mFitted(&fitted), mSamples(samples), mMaxRows(rowsOf(fitted, options)) {}

  void add(const Tensor& input, const Tensor& output, const Tensor& target, std::size_t firstSample, const std::vector<bool>& isHeld) {
    const LinearNode& layer = mFitted->layer;
    const PatchReader patches(layer, input.dims());
    const PositionSampler sampler(mSamples, patches.positions(), mMaxRows);
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
          row[unknowns + o] = static_cast<double>(wanted[n * wantedStride + mFitted->kept[o] * area + position]) -
                              static_cast<double>(out[(n * layer.outputs + o) * area + position]);
        }
      }
      for (std::size_t p = 0; p < places.size(); ++p) {
        const bool isHeldOut = isHeld[firstSample + places[p].sample];
        (isHeldOut ? mHeld : mFit).add(std::span<const double>(mRows).subspan(p * units, units), units);
        if (isHeldOut) addTarget(wanted + places[p].sample * wantedStride + places[p].position, area);
      }
      begin = end;
    }
  }

  [[nodiscard]] statistics::HeldOutRidge solve(std::span<const double> ridges) const {
    return statistics::heldOutRidge(mFit, mHeld, mFitted->layer.unknowns(), ridges);
  }
  /// Variance of the original's outputs on the held-out samples, summed over them.
  [[nodiscard]] double targetVariance() const {
    double total = 0.0;
    const double rows = static_cast<double>(std::max<std::size_t>(mTargetRows, 1));
    for (std::size_t o = 0; o < mSum.size(); ++o) total += std::max(0.0, mSquare[o] / rows - mSum[o] / rows * mSum[o] / rows);
    return total;
  }
  [[nodiscard]] std::size_t samples() const noexcept { return mFit.samples() + mHeld.samples(); }

 private:
  struct Place {
    std::size_t sample;
    std::size_t position;
  };
  /// Values of rows that are cut out together.
  static constexpr std::size_t kChunk = std::size_t{1} << 22;

  void addTarget(const float* position, std::size_t area) {
    mSum.resize(mFitted->kept.size());
    mSquare.resize(mFitted->kept.size());
    for (std::size_t o = 0; o < mSum.size(); ++o) {
      const double value = position[mFitted->kept[o] * area];
      mSum[o] += value;
      mSquare[o] += value * value;
    }
    ++mTargetRows;
  }

  const FittedLayer* mFitted;
  std::size_t mSamples;
  std::size_t mMaxRows;
  std::vector<double> mRows;
  statistics::Covariance mFit;
  statistics::Covariance mHeld;
  std::vector<double> mSum;
  std::vector<double> mSquare;
  std::size_t mTargetRows = 0;
};

/// The moments of (current output, original output), a channel, of the samples for the fit and of those held out.
class OutputMoments {
 public:
  explicit OutputMoments(const FittedLayer& fitted) : mFitted(&fitted), mFit(fitted.layer.outputs), mHeld(fitted.layer.outputs) {}

  void add(const Tensor& output, const Tensor& target, std::size_t firstSample, const std::vector<bool>& isHeld) {
    const auto batch = static_cast<std::size_t>(output.dims()[0]);
    const std::size_t channels = mFitted->layer.outputs;
    const std::size_t area = output.size() / batch / channels;
    const std::size_t stride = target.size() / batch;
    const std::span<const float> now = output.data<float>();
    const std::span<const float> wanted = target.data<float>();
    for (std::size_t n = 0; n < batch; ++n) {
      statistics::ChannelRegression& moments = isHeld[firstSample + n] ? mHeld : mFit;
      for (std::size_t c = 0; c < channels; ++c) {
        moments.add(c, now.subspan((n * channels + c) * area, area), wanted.subspan(n * stride + mFitted->kept[c] * area, area));
      }
    }
  }

  /// The maps, refitted on all samples; nothing where those of the fit are no better than none on the held-out samples.
  [[nodiscard]] std::optional<statistics::ChannelRegression::Maps> solve(LayerCompensation& result) const {
    const std::vector<double> ones(mFitted->layer.outputs, 1.0);
    const std::vector<double> zeros(mFitted->layer.outputs, 0.0);
    const double scale = mHeld.variance() > 0.0 ? mHeld.variance() : 1.0;
    result.errorBefore = result.errorAfter = mHeld.meanSquaredError({ones, zeros}) / scale;
    const double matched = mHeld.meanSquaredError(mFit.matching()) / scale;
    if (!(matched < result.errorBefore)) return std::nullopt;
    result.errorAfter = matched;
    statistics::ChannelRegression all = mFit;
    all.merge(mHeld);
    return all.matching();
  }

 private:
  const FittedLayer* mFitted;
  statistics::ChannelRegression mFit;
  statistics::ChannelRegression mHeld;
};

Tensor like(const Tensor& old, const std::vector<double>& values) {
  return Tensor::fromValues<double>(old.dims(), std::span<const double>(values)).cast(old.dataType());
}

class Compensation {
 public:
  Compensation(const GraphViewPtr& original, const GraphViewPtr& current, CalibrationData& data,
               const std::map<std::string, std::vector<std::size_t>>& kept, const std::map<std::string, std::string>& targets,
               const CompensationOptions& options)
      : mCurrent(current),
        mData(data),
        mOptions(options),
        mIsHeld(heldOutSamples(data.samples(), 1.0 - options.fitShare)),
        mLayers(fittedLayers(original, current, data.dims(), kept, targets, options.method == CompensationMethod::LeastSquares)),
        mBefore(original, data, options.memory / 2) {
    for (FittedLayer& fitted : mLayers) {
      if (!fitted.obstacle.empty()) continue;
      if (options.method == CompensationMethod::LeastSquares && fitted.layer.unknowns() > options.maxUnknowns) {
        fitted.obstacle = std::to_string(fitted.layer.unknowns()) + " unknowns are more than " + std::to_string(options.maxUnknowns);
      } else {
        ownParameters(fitted.layer);
      }
    }
  }

  CompensationReport run(const LayerProgress& progress) {
    Replay now(mCurrent, mData, mOptions.memory / 2);
    const double momentBytes = std::max(static_cast<double>(mOptions.memory), 1.0);
    std::vector<LayerCompensation> done(mLayers.size());
    std::size_t count = 0;
    for (const auto& group : independentLayers(mCurrent, mLayers, momentBytes)) {
      if (progress && !progress(count, mLayers.size(), mLayers[group.front()].layer.node->name())) break;
      now.advanceTo(mLayers[group.front()].layer.node);
      mBefore.advanceTo(firstCounterpart(group.front()));
      fit(now, group, done);
      count += group.size();
    }
    dropIdleBiases(done);
    CompensationReport report;
    for (std::size_t i = 0; i < mLayers.size(); ++i) {
      done[i].layer = mLayers[i].layer.node->name();
      if (done[i].note.empty()) done[i].note = mLayers[i].obstacle;
      report.layers.push_back(std::move(done[i]));
    }
    report.passes = mData.passes();
    return report;
  }

 private:
  static Tensor parameter(const NodePtr& node, IOIndex_t index) {
    return *node->getParent(index)->getOperator()->getOutput(node->input(index).index);
  }

  /// Gives the layer a bias, and producers that no other layer uses: the replay's nodes must not change later.
  void ownParameters(const LinearNode& layer) {
    const NodePtr& node = layer.node;
    const Tensor weight = parameter(node, kWeight);
    if (!node->getParent(kBias)) mNewBiases.insert(node);
    const Tensor bias =
        node->getParent(kBias) ? parameter(node, kBias) : Tensor::full({static_cast<DimSize_t>(layer.outputs)}, 0.0, weight.dataType());
    layers::setParameter(mCurrent, node, kWeight, node->name() + "_w", weight.clone());
    layers::setParameter(mCurrent, node, kBias, node->name() + "_b", bias.clone());
  }

  void dropIdleBiases(const std::vector<LayerCompensation>& done) {
    for (std::size_t i = 0; i < mLayers.size(); ++i) {
      const NodePtr& node = mLayers[i].layer.node;
      if (mNewBiases.contains(node) && !done[i].isChanged) mCurrent->remove(node->getParent(kBias));
    }
  }

  /// The first node of the original that this layer and the later ones aim at.
  [[nodiscard]] NodePtr firstCounterpart(std::size_t from) const {
    NodePtr first = mLayers[from].counterpart;
    for (std::size_t i = from; i < mLayers.size(); ++i) {
      const NodePtr& node = mLayers[i].counterpart;
      if (mLayers[i].obstacle.empty() && mBefore.position(node) < mBefore.position(first)) first = node;
    }
    return first;
  }

  void fit(Replay& now, const std::vector<std::size_t>& group, std::vector<LayerCompensation>& done) {
    const bool matches = mOptions.method == CompensationMethod::MeanVariance;
    std::vector<LayerMoments> moments;
    std::vector<OutputMoments> outputs;
    std::array<std::vector<TensorRef>, 2> tensors;
    const BatchChoice batches(group, mLayers, mData, mOptions);
    for (const std::size_t i : group) {
      if (matches) {
        outputs.emplace_back(mLayers[i]);
      } else {
        moments.emplace_back(mLayers[i], batches.samples(), mOptions);
      }
      tensors[0].push_back(mLayers[i].target);
      tensors[1].insert(tensors[1].end(), {mLayers[i].input, mLayers[i].output});
    }
    const std::array<Replay*, 2> replays{&mBefore, &now};
    const auto add = [&](std::size_t firstSample, std::span<const std::vector<Tensor>> results) {
      for (std::size_t k = 0; k < group.size(); ++k) {
        const Tensor& input = results[1][2 * k];
        const Tensor& output = results[1][2 * k + 1];
        if (matches) {
          outputs[k].add(output, results[0][k], firstSample, mIsHeld);
        } else {
          moments[k].add(input, output, results[0][k], firstSample, mIsHeld);
        }
      }
    };
    inLockStep(mData, replays, tensors, add, [&](std::size_t batch) { return batches.contains(batch); });
    for (std::size_t k = 0; k < group.size(); ++k) {
      const FittedLayer& layer = mLayers[group[k]];
      done[group[k]] = matches ? match(layer, outputs[k]) : change(layer, moments[k]);
    }
  }

  /// Gives the layer this weight and bias.
  void set(const NodePtr& node, const Tensor& weight, const Tensor& bias) {
    layers::setParameter(mCurrent, node, kWeight, node->name() + "_w", weight);
    layers::setParameter(mCurrent, node, kBias, node->name() + "_b", bias);
  }

  static std::string noteOf(const LayerCompensation& result) {
    if (result.isChanged) return "";
    return result.errorBefore > 0.0 ? "nothing is better on held-out samples" : "its output is the original's";
  }

  LayerCompensation match(const FittedLayer& fitted, const OutputMoments& moments) {
    LayerCompensation result;
    result.target = fitted.target.node->name();
    const auto maps = moments.solve(result);
    result.isChanged = maps.has_value();
    result.note = noteOf(result);
    if (!maps) return result;
    const NodePtr& node = fitted.layer.node;
    const Tensor bias = parameter(node, kBias);
    set(node, layers::scaledWeight(*node->getOperator(), parameter(node, kWeight), maps->slope),
        layers::mappedBias(&bias, {maps->slope, maps->offset}, bias.dataType()));
    return result;
  }

  LayerCompensation change(const FittedLayer& fitted, const LayerMoments& moments) {
    const statistics::HeldOutRidge solution = moments.solve(mOptions.ridges);
    const double scale = moments.targetVariance();
    LayerCompensation result;
    result.target = fitted.target.node->name();
    result.ridge = solution.ridge;
    result.errorBefore = scale > 0.0 ? solution.errorBefore / scale : 0.0;
    result.errorAfter = scale > 0.0 ? solution.errorAfter / scale : 0.0;
    result.isChanged = solution.ridge.has_value();
    result.note = noteOf(result);
    if (!solution.ridge) return result;
    const NodePtr& node = fitted.layer.node;
    std::vector<double> weights = parameter(node, kWeight).toDoubles();
    std::vector<double> biases = parameter(node, kBias).toDoubles();
    const std::size_t unknowns = fitted.layer.unknowns();
    const std::size_t outputs = fitted.layer.outputs;
    for (std::size_t o = 0; o < outputs; ++o) {
      biases[o] += solution.prediction.intercept[o];
      for (std::size_t u = 0; u < unknowns; ++u) weights[o * unknowns + u] += solution.prediction.coefficients[u * outputs + o];
    }
    set(node, like(parameter(node, kWeight), weights), like(parameter(node, kBias), biases));
    return result;
  }

  GraphViewPtr mCurrent;
  CalibrationData& mData;
  const CompensationOptions& mOptions;
  std::vector<bool> mIsHeld;
  std::vector<FittedLayer> mLayers;
  std::set<NodePtr> mNewBiases;
  Replay mBefore;
};

}  // namespace

void CompensationOptions::validate() const {
  if (ridges.empty() || !std::all_of(ridges.begin(), ridges.end(), [](double ridge) { return ridge > 0.0; })) {
    throwExpected(kWhereCompensate, "ridges > 0", ridges.empty() ? "none" : "others");
  }
  if (!(fitShare > 0.0 && fitShare < 1.0)) throwExpected(kWhereCompensate, "a fit share in (0, 1)", std::to_string(fitShare));
  if (rowsPerUnknown == 0 && minRows == 0) throwExpected(kWhereCompensate, "rows_per_unknown or min_rows > 0", "0");
}

CompensationReport compensate(const GraphViewPtr& original, const GraphViewPtr& current, CalibrationData& data,
                              const std::map<std::string, std::vector<std::size_t>>& kept,
                              const std::map<std::string, std::string>& targets, const CompensationOptions& options,
                              const LayerProgress& progress) {
  options.validate();
  for (const GraphViewPtr& graph : {original, current}) {
    if (!graph || graph->backend().empty())
      throwExpected(kWhereCompensate, "graphs that have been compiled", graph ? "one without a backend" : "none");
  }
  CompensationReport report;
  current->transaction([&] { report = Compensation(original, current, data, kept, targets, options).run(progress); });
  return report;
}

}  // namespace Aidge::compress
