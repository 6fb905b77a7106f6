#include "aidge/compress/Compensate.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

#include "../layers/Layers.hpp"
#include "CompensationPlan.hpp"
#include "LayerMoments.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/operator/Operator.hpp"
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

Tensor like(const Tensor& old, const std::vector<double>& values) {
  return Tensor::fromValues<double>(old.dims(), std::span<const double>(values)).cast(old.dataType());
}

/// The layers that share a weight, and the biases of these.
struct Unit {
  std::vector<std::size_t> layers;             ///< numbers
  std::vector<std::size_t> biasOf;             ///< of each layer: the number of its bias
  std::vector<std::vector<TensorRef>> biases;  ///< of each bias: the inputs that read it
  std::vector<bool> isFree;                    ///< of each bias: false where layers of other units read it, too
};

/// Values of constants, to put back.
using Values = std::vector<std::pair<NodePtr, Tensor>>;

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
    for (std::size_t i = 0; i < mLayers.size(); ++i) {
      if (i == 0 || mLayers[i].unit != mLayers[i - 1].unit) mUnits.emplace_back();
      mUnits.back().layers.push_back(i);
    }
    for (Unit& unit : mUnits) {
      const FittedLayer& fitted = mLayers[unit.layers.front()];
      if (!fitted.obstacle.empty()) continue;
      readBiases(unit);
      if (matches() && std::find(unit.isFree.begin(), unit.isFree.end(), false) != unit.isFree.end()) {
        refuse(unit, "it shares its bias with other layers");
      } else if (!matches() && fitted.layer.unknowns() > options.maxUnknowns) {
        refuse(unit, std::to_string(fitted.layer.unknowns()) + " unknowns are more than " + std::to_string(options.maxUnknowns));
      } else {
        ownBiases(unit);
      }
    }
  }

  CompensationReport run(const LayerProgress& progress) {
    Replay now(mCurrent, mData, mOptions.memory / 2);
    const double momentBytes = std::max(static_cast<double>(mOptions.memory), 1.0);
    mDone.resize(mLayers.size());
    std::size_t count = 0;
    for (const auto& group : independentLayers(mCurrent, mLayers, momentBytes)) {
      if (progress && !progress(count, mLayers.size(), mLayers[group.front()].layer.node->name())) break;
      now.advanceTo(firstFrom(group.front(), now, &nodeOf));
      mBefore.advanceTo(firstFrom(group.front(), mBefore, &counterpartOf));
      if (mLayers[group.front()].isRecurrent) {
        fitAgain(now, group);
      } else {
        fit(now, group);
      }
      count += group.size();
    }
    dropIdleBiases();
    CompensationReport report;
    for (std::size_t i = 0; i < mLayers.size(); ++i) {
      mDone[i].layer = mLayers[i].layer.node->name();
      if (mDone[i].note.empty()) mDone[i].note = mLayers[i].obstacle;
      report.layers.push_back(std::move(mDone[i]));
    }
    report.passes = mData.passes();
    return report;
  }

 private:
  static constexpr int kRounds = 4;  ///< of a recurrent unit: its inputs follow its weights, so it is fitted again

  static const NodePtr& nodeOf(const FittedLayer& fitted) { return fitted.layer.node; }
  static const NodePtr& counterpartOf(const FittedLayer& fitted) { return fitted.counterpart; }

  [[nodiscard]] bool matches() const { return mOptions.method == CompensationMethod::MeanVariance; }

  static Tensor parameter(const NodePtr& node, IOIndex_t index) {
    return *node->getParent(index)->getOperator()->getOutput(node->input(index).index);
  }

  [[nodiscard]] const NodePtr& firstNode(const Unit& unit) const { return mLayers[unit.layers.front()].layer.node; }

  void refuse(const Unit& unit, const std::string& why) {
    for (const std::size_t i : unit.layers) mLayers[i].obstacle = why;
  }

  /// Which layers of the unit share their bias, and with whom.
  void readBiases(Unit& unit) const {
    std::map<NodePtr, std::size_t> numbers;
    for (const std::size_t i : unit.layers) {
      const NodePtr& node = mLayers[i].layer.node;
      const auto number = numbers.emplace(node->getParent(kBias), unit.biases.size()).first->second;
      if (number == unit.biases.size()) unit.biases.emplace_back();
      unit.biasOf.push_back(number);
      unit.biases[number].push_back({node, kBias});
    }
    for (const auto& inputs : unit.biases) {
      const NodePtr bias = inputs[0].node->getParent(kBias);
      const bool isExit = bias && std::any_of(mCurrent->outputs().begin(), mCurrent->outputs().end(),
                                              [&](const GraphOutput& output) { return output.node == bias; });
      unit.isFree.push_back(!bias || (bias->output(0).size() == inputs.size() && !isExit) ||
                            layers::isEqualNumbers(*bias->getOperator()->getOutput(0)));
    }
  }

  /// Gives the layers biases that no other unit has, where these may change: the replay's nodes must not change later.
  void ownBiases(const Unit& unit) {
    for (std::size_t b = 0; b < unit.biases.size(); ++b) {
      if (!unit.isFree[b]) continue;
      const NodePtr& node = unit.biases[b][0].node;
      const NodePtr present = node->getParent(kBias);
      const Tensor bias = present ? parameter(node, kBias)
                                  : Tensor::full({static_cast<DimSize_t>(mLayers[unit.layers.front()].layer.outputs)}, 0.0,
                                                 parameter(node, kWeight).dataType());
      setBias(unit.biases[b], bias.clone());
      if (node->getParent(kBias) != present) mNewBiases.push_back({unit.layers.front(), unit.biases[b], present});
    }
  }

  void dropIdleBiases() {
    for (const NewBias& added : mNewBiases) {
      if (mDone[added.layer].isChanged) continue;
      const NodePtr idle = added.inputs[0].node->getParent(kBias);
      for (const auto& [node, input] : added.inputs) {
        if (added.before) node->setInput(input, added.before);
      }
      mCurrent->remove(idle);
    }
  }

  /// The first node of a graph that belongs to this layer or a later one.
  NodePtr firstFrom(std::size_t from, const Replay& replay, const NodePtr& (*of)(const FittedLayer&)) const {
    NodePtr first = of(mLayers[from]);
    for (std::size_t i = from; i < mLayers.size(); ++i) {
      const NodePtr& node = of(mLayers[i]);
      if (mLayers[i].obstacle.empty() && replay.position(node) < replay.position(first)) first = node;
    }
    return first;
  }

  /// Fits the units of a group, which do not depend on each other, in one pass.
  void fit(Replay& now, const std::vector<std::size_t>& group) {
    std::vector<LayerMoments> moments;
    std::vector<OutputMoments> outputs;
    std::array<std::vector<TensorRef>, 2> tensors;
    const BatchChoice batches(group, mLayers, mData, mOptions);
    std::vector<const Unit*> units;
    std::vector<std::array<std::size_t, 2>> places;  // (unit of the group, use)
    for (const std::size_t i : group) {
      const Unit& unit = mUnits[mLayers[i].unit];
      if (units.empty() || units.back() != &unit) {
        std::vector<const FittedLayer*> uses;
        for (const std::size_t use : unit.layers) uses.push_back(&mLayers[use]);
        if (matches()) {
          outputs.emplace_back(uses);
        } else {
          moments.emplace_back(uses, unit.biasOf, unit.isFree, batches.samples(), mOptions);
        }
        units.push_back(&unit);
      }
      places.push_back({units.size() - 1, i - unit.layers.front()});
      tensors[0].push_back(mLayers[i].target);
      tensors[1].insert(tensors[1].end(), {mLayers[i].input, mLayers[i].output});
    }
    const std::array<Replay*, 2> replays{&mBefore, &now};
    const auto add = [&](std::size_t firstSample, std::span<const std::vector<Tensor>> results) {
      for (std::size_t k = 0; k < group.size(); ++k) {
        const Tensor& input = results[1][2 * k];
        const Tensor& output = results[1][2 * k + 1];
        const auto [unit, use] = places[k];
        if (matches()) {
          outputs[unit].add(use, output, results[0][k], firstSample, mIsHeld);
        } else {
          moments[unit].add(use, input, output, results[0][k], firstSample, mIsHeld);
        }
      }
    };
    inLockStep(mData, replays, tensors, add, [&](std::size_t batch) { return batches.contains(batch); });
    for (std::size_t u = 0; u < units.size(); ++u) {
      const LayerCompensation result = matches() ? match(*units[u], outputs[u]) : change(*units[u], moments[u]);
      for (const std::size_t i : units[u]->layers) {
        mDone[i] = result;
        mDone[i].target = mLayers[i].target.node->name();
      }
    }
  }

  /// A change of a recurrent unit changes its inputs, too: measures what became of it, goes on from there while that is better, and ends with the best.
  void fitAgain(Replay& now, const std::vector<std::size_t>& group) {
    const Unit& unit = mUnits[mLayers[group.front()].unit];
    Values best;
    LayerCompensation result;
    std::optional<double> ridge;
    for (int round = 0; round < kRounds; ++round) {
      Values measured = valuesOf(unit);
      fit(now, group);
      const LayerCompensation step = mDone[group.front()];
      if (round == 0) result = step;
      if (round > 0 && step.errorBefore >= result.errorAfter) break;
      result.errorAfter = step.errorBefore;
      result.ridge = ridge;
      ridge = step.ridge;
      best = std::move(measured);
      if (!step.isChanged) break;
    }
    for (auto& [producer, value] : best) producer->getOperator()->setOutput(0, std::move(value));
    result.isChanged = result.errorAfter < result.errorBefore;
    result.note = noteOf(result);
    for (const std::size_t i : unit.layers) {
      mDone[i] = result;
      mDone[i].target = mLayers[i].target.node->name();
    }
  }

  [[nodiscard]] Values valuesOf(const Unit& unit) const {
    Values values{{firstNode(unit)->getParent(kWeight), parameter(firstNode(unit), kWeight)}};
    for (const auto& inputs : unit.biases) values.emplace_back(inputs[0].node->getParent(kBias), parameter(inputs[0].node, kBias));
    return values;
  }

  void setWeight(const Unit& unit, const Tensor& value) {
    std::vector<TensorRef> inputs;
    for (const std::size_t i : unit.layers) inputs.push_back({mLayers[i].layer.node, kWeight});
    layers::setParameter(mCurrent, inputs, firstNode(unit)->name() + "_w", value);
  }

  void setBias(const std::vector<TensorRef>& inputs, const Tensor& value) {
    layers::setParameter(mCurrent, inputs, inputs[0].node->name() + "_b", value);
  }

  static std::string noteOf(const LayerCompensation& result) {
    if (result.isChanged) return "";
    return result.errorBefore > 0.0 ? "nothing is better on held-out samples" : "its output is the original's";
  }

  LayerCompensation match(const Unit& unit, const OutputMoments& moments) {
    LayerCompensation result;
    const auto maps = moments.solve(result);
    result.isChanged = maps.has_value();
    result.note = noteOf(result);
    if (!maps) return result;
    const NodePtr& node = firstNode(unit);
    setWeight(unit, layers::scaledWeight(*node->getOperator(), parameter(node, kWeight), maps->slope));
    for (const auto& inputs : unit.biases) {
      const Tensor bias = parameter(inputs[0].node, kBias);
      setBias(inputs, layers::mappedBias(&bias, {maps->slope, maps->offset}, bias.dataType()));
    }
    return result;
  }

  LayerCompensation change(const Unit& unit, const LayerMoments& moments) {
    const std::vector<statistics::TiedRidge> groups = moments.solve(mOptions.ridges);
    const double scale = moments.targetVariance();
    LayerCompensation result;
    result.ridge = groups.front().ridge;
    for (const statistics::TiedRidge& group : groups) {
      result.errorBefore += scale > 0.0 ? group.errorBefore / scale : 0.0;
      result.errorAfter += scale > 0.0 ? group.errorAfter / scale : 0.0;
    }
    result.isChanged = result.ridge.has_value();
    result.note = noteOf(result);
    if (!result.isChanged) return result;
    const Tensor weight = parameter(firstNode(unit), kWeight);
    std::vector<double> weights = weight.toDoubles();
    const LinearNode& layer = mLayers[unit.layers.front()].layer;
    const std::size_t unknowns = layer.unknowns();
    const std::size_t outputs = layer.outputsPerGroup();
    for (std::size_t o = 0; o < layer.outputs; ++o) {
      const std::vector<double>& change = groups[o / outputs].coefficients;
      for (std::size_t u = 0; u < unknowns; ++u) weights[o * unknowns + u] += change[u * outputs + o % outputs];
    }
    setWeight(unit, like(weight, weights));
    for (std::size_t b = 0; b < unit.biases.size(); ++b) {
      if (!unit.isFree[b]) continue;
      const Tensor bias = parameter(unit.biases[b][0].node, kBias);
      std::vector<double> biases = bias.toDoubles();
      for (std::size_t o = 0; o < layer.outputs; ++o) biases[o] += groups[o / outputs].intercepts[b][o % outputs];
      setBias(unit.biases[b], like(bias, biases));
    }
    return result;
  }

  /// A bias that a unit got for its own: its first layer, the inputs that read it, and what they read before (nullptr: nothing).
  struct NewBias {
    std::size_t layer;
    std::vector<TensorRef> inputs;
    NodePtr before;
  };

  GraphViewPtr mCurrent;
  CalibrationData& mData;
  const CompensationOptions& mOptions;
  std::vector<bool> mIsHeld;
  std::vector<FittedLayer> mLayers;
  std::vector<Unit> mUnits;
  std::vector<NewBias> mNewBiases;
  std::vector<LayerCompensation> mDone;
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
