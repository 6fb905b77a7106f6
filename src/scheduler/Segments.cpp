#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "Passes.hpp"

namespace Aidge::plan {

namespace {

/// Cost model, in bytes that must come from or go to main memory. Fitted to MobileNetV2, SqueezeNet, DenseNet and ResNet.
/// Up to the first size data stays in the cache from one step to the next, from the second on it does not.
constexpr double kStaysCached = 6.0 * 1024.0 * 1024.0;
constexpr double kLeavesCache = 20.0 * 1024.0 * 1024.0;
/// Starting a kernel once more takes as long as moving this much.
constexpr double kCallBytes = 64.0 * 1024.0;
/// So does waiting for each other, where several threads share one kernel's work.
constexpr double kBarrierBytes = 512.0 * 1024.0;
/// Several threads take parts of their own only if they are busy for this share of the time.
constexpr double kLeastBalance = 0.9;

/// Share of the traffic of a working set of this size that the cache cannot keep.
double missing(double bytes) { return std::clamp((bytes - kStaysCached) / (kLeavesCache - kStaysCached), 0.0, 1.0); }

/// What passes from one segment to another is out of the first- and second-level caches at least.
double crossing(double bytes) { return bytes * std::max(0.5, missing(bytes)); }

class Segmenter {
 public:
  Segmenter(Program& program, int threads) : mProgram(program), mThreads(threads), mBatch(commonBatch(program)) {}

  void run() {
    for (DimSize_t parts = 1; parts <= mBatch; ++parts) {
      const double rounds = std::ceil(static_cast<double>(parts) / mThreads);
      const bool balanced = parts == 1 || static_cast<double>(parts) / (rounds * mThreads) >= kLeastBalance;
      if (mBatch % parts == 0 && balanced) mChoices.push_back(parts);
    }
    describeSteps();
    cheapestSegments();
    markLocals();
  }

 private:
  /// Axis 0 of all graph inputs, or 1 if they differ.
  static DimSize_t commonBatch(const Program& program) {
    DimSize_t batch = 0;
    for (const Value& value : program.values) {
      if (!value.graphInput) continue;
      const DimSize_t own = value.desc.dims.empty() ? 1 : value.desc.dims[0];
      if (batch != 0 && own != batch) return 1;
      batch = own;
    }
    return std::max<DimSize_t>(batch, 1);
  }

  [[nodiscard]] bool isBatched(ValueId id) const {
    const Value& value = mProgram.values[id];
    return !value.constant && !value.desc.dims.empty() && value.desc.dims[0] == mBatch;
  }

  /// Whether each part of the batch can be computed from the same part of the inputs.
  [[nodiscard]] bool isSeparable(const Step& step) const {
    if (step.kind == StepKind::BeforeHooks || step.kind == StepKind::AfterHooks) return false;
    if (step.kind == StepKind::Observe) return isBatched(step.inputs[0]);
    if (!std::all_of(step.outputs.begin(), step.outputs.end(), [&](ValueId id) { return isBatched(id); })) return false;
    const BatchTrait& batch = batchOf(step);
    if (batch.rule == BatchRule::Whole) return false;
    for (std::size_t i = 0; i < step.inputs.size(); ++i) {
      if (step.inputs[i] != kNoValue && !canFeedPart(step, i, batch.rule)) return false;
    }
    if (batch.holds == nullptr) return true;
    const std::vector<TensorInfo> infos = mProgram.request(step).infos();
    return batch.holds(*step.op, std::span(infos).first(ownInputs(step)));
  }

  /// Those of the operator, before the post-ops' extra ones.
  [[nodiscard]] static std::size_t ownInputs(const Step& step) { return step.op ? step.op->nbInputs() : 1; }

  /// Reorders and rearrangements keep each sample's values within it.
  [[nodiscard]] static const BatchTrait& batchOf(const Step& step) {
    static const BatchTrait movesWithin{BatchRule::PerSample};
    return isPlanners(step) ? movesWithin : step.op->traits().batch;
  }

  /// Whether input `i` can be given to a part of the batch: cut along axis 0, or as the constant that it is.
  [[nodiscard]] bool canFeedPart(const Step& step, std::size_t i, BatchRule rule) const {
    const Value& value = mProgram.values[step.inputs[i]];
    // Inputs whose axes line up with those of the output: what a post-op adds is one too.
    const bool isAligned = rule == BatchRule::Joint || i >= ownInputs(step);
    const bool hasRank = value.desc.dims.size() == mProgram.values[step.outputs[0]].desc.dims.size();
    if (!value.constant) return isBatched(step.inputs[i]) && (isAligned ? hasRank : i == 0);
    return isAligned ? !hasRank || value.desc.dims[0] != mBatch : i > 0;
  }

  /// What the cost model knows of a step: bytes of whole batches, each value once.
  struct Traffic {
    bool separable = false;
    std::vector<std::pair<ValueId, double>> reads;
    std::vector<std::pair<ValueId, double>> writes;
    double moved = 0.0;    ///< all of these together
    double weights = 0.0;  ///< constants
  };

  void describeSteps() {
    mLastUse.assign(mProgram.values.size(), 0);
    mProducer.assign(mProgram.values.size(), 0);
    for (std::size_t s = 0; s < mProgram.steps.size(); ++s) {
      const Step& step = mProgram.steps[s];
      Traffic& traffic = mTraffic.emplace_back();
      traffic.separable = isSeparable(step);
      for (const ValueId id : step.inputs) {
        if (id == kNoValue) continue;
        const auto bytes = static_cast<double>(mProgram.values[id].desc.bytes());
        if (mProgram.values[id].constant) {
          traffic.weights += bytes;
          continue;
        }
        mLastUse[mProgram.root(id)] = s;
        if (step.kind != StepKind::Observe) traffic.reads.emplace_back(mProgram.root(id), bytes);
      }
      for (const ValueId id : step.outputs) {
        traffic.writes.emplace_back(id, static_cast<double>(mProgram.values[id].desc.bytes()));
        mProducer[id] = s + 1;
      }
      for (const auto* values : {&traffic.reads, &traffic.writes}) {
        for (const auto& entry : *values) traffic.moved += entry.second;
      }
    }
  }

  /// The share of the batch that is worked on at a time, by all threads together.
  [[nodiscard]] double shareAtATime(std::size_t choice) const {
    const auto parts = static_cast<double>(mChoices[choice]);
    return std::min(1.0, mThreads / parts);
  }

  /// Dynamic programming over the segments' ends: cheapest way to run the first `end` steps.
  void cheapestSegments() {
    struct Best {
      double cost = std::numeric_limits<double>::infinity();
      Segment segment;
    };
    const std::size_t count = mProgram.steps.size();
    std::vector<Best> best(count + 1);
    best[0].cost = 0.0;
    for (std::size_t first = 0; first < count; ++first) {
      Extension extension(*this, first);
      for (std::size_t end = first + 1; end <= count && extension.add(end - 1); ++end) {
        for (std::size_t c = 0; c < mChoices.size(); ++c) {
          const double cost = best[first].cost + extension.cost(c);
          if (cost < best[end].cost) best[end] = {cost, {first, end, mChoices[c]}};
        }
      }
    }
    for (std::size_t end = count; end > 0; end = best[end].segment.first) mProgram.segments.push_back(best[end].segment);
    std::reverse(mProgram.segments.begin(), mProgram.segments.end());
  }

  /// Cost of the segment that begins at `first`, for every choice of parts, while steps are added.
  class Extension {
   public:
    Extension(const Segmenter& owner, std::size_t first)
        : mOwner(owner), mFirst(first), mInner(owner.mChoices.size(), 0.0), mSeen(owner.mProducer.size(), false) {}

    /// False if the step cannot belong to this segment: it needs the whole batch and is not alone.
    bool add(std::size_t step) {
      const Traffic& traffic = mOwner.mTraffic[step];
      if (!traffic.separable && step != mFirst) return false;
      if (mWhole) return false;
      mWhole = !traffic.separable;
      mWeights += traffic.weights;
      ++mSteps;
      for (const auto& [id, bytes] : traffic.reads) {
        const bool inside = mOwner.mProducer[id] > mFirst;
        if (!inside && !mSeen[id]) mCrossing += crossing(bytes);
        if (inside && mOwner.mLastUse[id] == step && !mSeen[id]) mLeaving -= crossing(bytes);
        if (!inside || mOwner.mLastUse[id] == step) mSeen[id] = true;
      }
      for (const auto& [id, bytes] : traffic.writes) {
        if (mOwner.mLastUse[id] > step) mLeaving += crossing(bytes);
      }
      for (std::size_t c = 0; c < mInner.size(); ++c) mInner[c] += traffic.moved * missing(traffic.moved * mOwner.shareAtATime(c));
      return true;
    }

    [[nodiscard]] double cost(std::size_t choice) const {
      const auto parts = static_cast<double>(mOwner.mChoices[choice]);
      if (mWhole && parts > 1.0) return std::numeric_limits<double>::infinity();
      const double waiting = mOwner.mThreads > 1 && parts == 1.0 ? mSteps * kBarrierBytes : 0.0;
      return mInner[choice] + mCrossing + mLeaving + (parts - 1.0) * mWeights * missing(mWeights) + parts * mSteps * kCallBytes + waiting;
    }

   private:
    const Segmenter& mOwner;
    std::size_t mFirst;
    std::vector<double> mInner;
    std::vector<bool> mSeen;
    double mWeights = 0.0;
    double mCrossing = 0.0;
    double mLeaving = 0.0;
    double mSteps = 0.0;
    bool mWhole = false;
  };

  void markLocals() {
    std::vector<std::size_t> home(mProgram.values.size(), kNoValue);
    std::vector<bool> travels(mProgram.values.size(), false);
    const auto visit = [&](ValueId id, std::size_t segment) {
      const ValueId root = mProgram.root(id);
      if (home[root] == kNoValue) home[root] = segment;
      if (home[root] != segment) travels[root] = true;
    };
    for (std::size_t g = 0; g < mProgram.segments.size(); ++g) {
      for (std::size_t s = mProgram.segments[g].first; s < mProgram.segments[g].end; ++s) {
        for (const ValueId id : mProgram.steps[s].outputs) visit(id, g);
        for (const ValueId id : mProgram.steps[s].inputs) {
          if (id != kNoValue) visit(id, g);
        }
      }
    }
    for (std::size_t id = 0; id < mProgram.values.size(); ++id) {
      Value& value = mProgram.values[id];
      const bool own = !value.graphInput && !value.constant && !value.exported && value.alias == kNoValue;
      value.local = own && home[id] != kNoValue && !travels[id] && mProgram.segments[home[id]].parts > 1;
    }
  }

  Program& mProgram;
  int mThreads;
  DimSize_t mBatch;
  std::vector<DimSize_t> mChoices;     ///< divisors of the batch
  std::vector<Traffic> mTraffic;       ///< one a step
  std::vector<std::size_t> mLastUse;   ///< one a value
  std::vector<std::size_t> mProducer;  ///< one a value: step + 1, 0 for inputs
};

}  // namespace

void assignSegments(Program& program, int threads) { Segmenter(program, std::max(threads, 1)).run(); }

}  // namespace Aidge::plan
