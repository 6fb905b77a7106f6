#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "Passes.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::plan {

namespace {

/// For each axis the first of the consecutive parts that it consists of; nullopt if an axis is no product of whole parts.
std::optional<std::vector<std::size_t>> firstParts(const Dims& dims, const Dims& parts) {
  std::vector<std::size_t> first;
  std::size_t next = 0;
  for (const DimSize_t extent : dims) {
    first.push_back(next);
    DimSize_t product = 1;
    while (product < extent && next < parts.size()) product *= parts[next++];
    if (product != extent) return std::nullopt;
  }
  return first;
}

class Joiner {
 public:
  explicit Joiner(Program& program)
      : mProgram(program), mUses(program.useCounts()), mMakers(program.producers()), mReaders(program.values.size(), kNoValue) {
    for (std::size_t s = 0; s < program.steps.size(); ++s) {
      for (const ValueId id : program.steps[s].inputs) {
        if (id != kNoValue) mReaders[id] = s;
      }
    }
  }

  void run() {
    for (Step& step : mProgram.steps) {
      if (step.kind == StepKind::Kernel && roleOf(step) == Role::Transposition) join(step);
    }
    mProgram.sweep();
  }

 private:
  /// The reshaping step beside a value that nobody else sees, or nullptr.
  Step* reshapingAt(ValueId id, const std::vector<std::size_t>& steps) {
    if (mUses[id] != 1 || steps[id] == kNoValue) return nullptr;
    Step& step = mProgram.steps[steps[id]];
    return step.kind == StepKind::Kernel && !step.removed && roleOf(step) == Role::Reshaping ? &step : nullptr;
  }

  void join(Step& transpose) {
    Step* before = reshapingAt(transpose.inputs[0], mMakers);
    Step* after = reshapingAt(transpose.outputs[0], mReaders);
    if (before == nullptr) return;
    const Dims& parts = mProgram.values[transpose.inputs[0]].desc.dims;
    const std::vector<DimIdx_t> order = resolvePermutation(*transpose.op, parts.size());
    if (!fits(before->inputs[0], parts, order, (after ? *after : transpose).outputs[0])) {
      if (after == nullptr || !fits(before->inputs[0], parts, order, transpose.outputs[0])) return;
      after = nullptr;
    }
    const ValueId target = (after ? *after : transpose).outputs[0];
    transpose.op = rearrangement(mProgram.values[before->inputs[0]].desc.dims, parts, order, mProgram.values[target].desc.dims);
    transpose.type = "Rearrange";
    transpose.inputs = {before->inputs[0]};
    transpose.outputs = {target};
    for (Step* joined : {before, after}) {
      if (joined == nullptr) continue;
      joined->removed = true;
      transpose.fused.push_back(joined->node);
    }
  }

  /// Whether the parts make up both sides, the batch stays first, and there is a memory order to choose.
  [[nodiscard]] bool fits(ValueId from, const Dims& parts, const std::vector<DimIdx_t>& order, ValueId to) const {
    const Dims& source = mProgram.values[from].desc.dims;
    const Dims& target = mProgram.values[to].desc.dims;
    Dims ordered;
    for (const DimIdx_t part : order) ordered.push_back(parts[part]);
    const bool batched =
        source.size() >= 3 && !target.empty() && !parts.empty() && order[0] == 0 && parts[0] == source[0] && target[0] == source[0];
    return batched && elementCount(parts) > 0 && firstParts(source, parts) && firstParts(target, ordered);
  }

  static std::shared_ptr<const Operator> rearrangement(const Dims& source, const Dims& parts, const std::vector<DimIdx_t>& order,
                                                       const Dims& target) {
    Dims ordered;
    for (const DimIdx_t part : order) ordered.push_back(parts[part]);
    bool keeps = source.size() == target.size();
    if (keeps) {
      // The outermost part of the channels comes from the channels.
      const std::vector<std::size_t> sources = *firstParts(source, parts);
      const std::size_t part = order[std::min((*firstParts(target, ordered))[1], order.size() - 1)];
      keeps = part >= sources[1] && part < sources[2];
    }
    AttributeMap attributes{{"parts", std::vector<std::int64_t>(parts.begin() + 1, parts.end())},
                            {"order", std::vector<std::int64_t>(order.begin(), order.end())},
                            {"keeps_channels", keeps}};
    return Operator::generic("Rearrange", 1, 1, std::move(attributes));
  }

  Program& mProgram;
  std::vector<std::size_t> mUses;
  std::vector<std::size_t> mMakers;   ///< the step that writes each value
  std::vector<std::size_t> mReaders;  ///< the last step that reads each value
};

}  // namespace

void fuseRearrangements(Program& program) {
  if (KernelRegistry::find(program.backend, "Rearrange") != nullptr) Joiner(program).run();
}

}  // namespace Aidge::plan
