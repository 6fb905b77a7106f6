#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <utility>

#include "aidge/scheduler/Passes.hpp"

namespace Aidge::plan {

namespace {

/// What a step reads and writes at a time shall fit this: the share of the last-level cache that one can count on. Measured on MobileNetV2, SqueezeNet,
/// DenseNet and ResNet: 4 to 8 MiB are alike, 16 MiB costs 5 to 15 %.
constexpr double kWorkingSet = 6.0 * 1024.0 * 1024.0;

bool startsWithAny(const std::string& type, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view prefix) { return type.starts_with(prefix); });
}

/// Types whose output at batch index i depends on their first input at i and on constants only.
bool isPerImage(const std::string& type) {
  static const std::set<std::string, std::less<>> types{"FC",   "GlobalAveragePooling", "ReLU", "LeakyReLU", "PReLU",   "Clip",       "Sigmoid",
                                                        "Tanh", "HardSwish",            "GeLU", "LRN",       "Reorder", "HardSigmoid"};
  if (types.contains(type)) return true;
  return startsWithAny(type, {"Conv1D", "Conv2D", "Conv3D", "ConvTranspose", "MaxPooling", "AvgPooling", "BatchNorm"});
}

bool isArithmetic(const std::string& type) { return type == "Add" || type == "Sub" || type == "Mul" || type == "Div"; }

class Segmenter {
 public:
  explicit Segmenter(Program& program) : mProgram(program), mBatch(commonBatch(program)) {}

  void run() {
    const std::vector<DimSize_t> parts = smoothed(wantedParts());
    for (std::size_t s = 0; s < parts.size(); ++s) {
      if (mProgram.segments.empty() || mProgram.segments.back().parts != parts[s]) mProgram.segments.push_back({s, s, parts[s]});
      mProgram.segments.back().end = s + 1;
    }
    markLocals();
  }

 private:
  /// Axis 0 of all graph inputs, or 1 where they differ.
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
    const std::size_t rank = mProgram.values[step.outputs[0]].desc.dims.size();
    for (const ValueId id : step.outputs) {
      if (!isBatched(id)) return false;
    }
    const std::size_t own = step.op ? step.op->nbInputs() : 1;
    for (std::size_t i = 0; i < step.inputs.size(); ++i) {
      const ValueId id = step.inputs[i];
      if (id == kNoValue) continue;
      const Value& value = mProgram.values[id];
      const bool sharesAxis = value.desc.dims.size() == rank && rank > 0 && value.desc.dims[0] == mBatch;
      if (!value.constant && !isBatched(id)) return false;
      if (value.constant && sharesAxis && (isArithmetic(step.type) || i >= own || step.type == "Concat")) return false;
    }
    return hasSeparableType(step);
  }

  [[nodiscard]] bool hasSeparableType(const Step& step) const {
    const auto allBatched = [&](std::size_t from) {
      return std::all_of(step.inputs.begin() + static_cast<std::ptrdiff_t>(from), step.inputs.end(), [&](ValueId id) {
        return id == kNoValue || mProgram.values[id].constant || mProgram.values[id].desc.dims.size() == mProgram.values[step.outputs[0]].desc.dims.size();
      });
    };
    if (isArithmetic(step.type)) return allBatched(0);
    if (isPerImage(step.type)) {
      const std::size_t own = step.op ? step.op->nbInputs() : 1;
      for (std::size_t i = 1; i < own && i < step.inputs.size(); ++i) {
        if (step.inputs[i] != kNoValue && !mProgram.values[step.inputs[i]].constant) return false;
      }
      return isBatched(step.inputs[0]);
    }
    const auto rank = static_cast<std::int64_t>(mProgram.values[step.inputs[0]].desc.dims.size());
    const auto axisIsFirst = [&] {
      const auto axis = step.op->attribute<std::int64_t>("axis");
      return axis == 0 || axis == -rank;
    };
    if (step.type == "Concat" || step.type == "Softmax") return allBatched(0) && !axisIsFirst();
    if (step.type == "Pad") return padsOthers(step, rank);
    if (step.type == "Gemm") return !step.op->attribute<bool>("trans_a") && takesConstants(step);
    if (step.type == "MatMul") return rank >= 2 && takesConstants(step) && mProgram.values[step.inputs[1]].desc.dims.size() == 2;
    return false;
  }

  /// Pads that leave axis 0 alone, as far as that is plain to see.
  [[nodiscard]] static bool padsOthers(const Step& step, std::int64_t rank) {
    const auto& pads = step.op->attribute<std::vector<std::int64_t>>("pads");
    if (!step.op->attribute<std::vector<std::int64_t>>("axes").empty() || pads.size() != static_cast<std::size_t>(2 * rank)) return false;
    return pads[0] == 0 && pads[static_cast<std::size_t>(rank)] == 0;
  }

  /// B, and C if it is repeated over the rows, are constants.
  [[nodiscard]] bool takesConstants(const Step& step) const {
    const std::size_t own = step.op->nbInputs();
    for (std::size_t i = 1; i < own && i < step.inputs.size(); ++i) {
      const ValueId id = step.inputs[i];
      if (id == kNoValue) continue;
      const Value& value = mProgram.values[id];
      if (!value.constant || (i == 2 && value.desc.dims.size() == 2 && value.desc.dims[0] != 1)) return false;
    }
    return true;
  }

  /// The fewest parts with which each step's working set fits; 0 for steps that do not care.
  [[nodiscard]] std::vector<DimSize_t> wantedParts() const {
    std::vector<DimSize_t> result;
    for (const Step& step : mProgram.steps) {
      if (mBatch < 2 || !isSeparable(step)) {
        result.push_back(1);
      } else if (step.kind == StepKind::Observe) {
        result.push_back(0);
      } else {
        result.push_back(mBatch / fittingBatch(workingSet(step)));
      }
    }
    return result;
  }

  /// Bytes that the step reads and writes a whole batch, without constants.
  [[nodiscard]] double workingSet(const Step& step) const {
    double bytes = 0.0;
    for (const auto* ids : {&step.inputs, &step.outputs}) {
      for (const ValueId id : *ids) {
        if (id != kNoValue && !mProgram.values[id].constant) bytes += static_cast<double>(mProgram.values[id].desc.bytes());
      }
    }
    return bytes;
  }

  /// The biggest divisor of the batch whose share of `bytes` fits; where that is far too small (a prime batch), the next bigger one.
  [[nodiscard]] DimSize_t fittingBatch(double bytes) const {
    const double limit = std::max(1.0, kWorkingSet / (bytes / static_cast<double>(mBatch)));
    DimSize_t below = 1;
    DimSize_t above = mBatch;
    for (DimSize_t d = 1; d <= mBatch; ++d) {
      if (mBatch % d != 0) continue;
      if (static_cast<double>(d) <= limit) {
        below = d;
      } else {
        above = d;
        break;
      }
    }
    return static_cast<double>(below) * 4.0 < limit ? above : below;
  }

  /// Indifferent steps go with the next one; a step joins the smaller parts of its near neighbours, so that segments are not torn.
  static std::vector<DimSize_t> smoothed(std::vector<DimSize_t> parts) {
    for (std::size_t s = parts.size(); s-- > 0;) {
      if (parts[s] == 0) parts[s] = s + 1 < parts.size() ? parts[s + 1] : 1;
    }
    constexpr std::size_t kReach = 2;
    std::vector<DimSize_t> result = parts;
    for (std::size_t s = 0; s < parts.size(); ++s) {
      if (parts[s] == 1) continue;
      for (std::size_t n = s + 1; n <= std::min(s + kReach, parts.size() - 1) && parts[n] != 1; ++n) result[s] = std::max(result[s], parts[n]);
    }
    return result;
  }

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
  DimSize_t mBatch;
};

}  // namespace

void assignSegments(Program& program) { Segmenter(program).run(); }

}  // namespace Aidge::plan
