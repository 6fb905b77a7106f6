#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "Passes.hpp"
#include "aidge/core/Errors.hpp"

namespace Aidge::plan {

namespace {

bool isActivation(const Step& step) { return roleOf(step) == Role::Unary; }

/// Consumers of every value, kept up to date while steps are merged.
class Uses {
 public:
  explicit Uses(const Program& program) : mSteps(program.values.size()), mExported(program.values.size(), false) {
    for (std::size_t s = 0; s < program.steps.size(); ++s) {
      for (const ValueId id : program.steps[s].inputs) {
        if (id != kNoValue) mSteps[id].push_back(s);
      }
    }
    for (const Export& entry : program.exports) mExported[entry.value] = true;
  }

  /// Steps that use the value, once a use; empty if somebody outside sees it too.
  [[nodiscard]] std::vector<std::size_t> inside(ValueId id) const { return mExported[id] ? std::vector<std::size_t>{} : mSteps[id]; }
  void move(std::size_t from, std::size_t to) {
    for (auto& users : mSteps) std::replace(users.begin(), users.end(), from, to);
  }

 private:
  std::vector<std::vector<std::size_t>> mSteps;
  std::vector<bool> mExported;
};

class PostOpFuser {
 public:
  explicit PostOpFuser(Program& program) : mProgram(program), mUses(program), mProducers(program.producers()) {}

  void run() {
    for (std::size_t s = 0; s < mProgram.steps.size(); ++s) {
      std::size_t at = s;
      while (const auto next = extend(at)) at = *next;
    }
    mProgram.sweep();
  }

 private:
  /// Fuses what follows step `s` into it; returns where the step stands then, or nothing if it could not be extended.
  std::optional<std::size_t> extend(std::size_t s) {
    const Step& step = mProgram.steps[s];
    if (step.removed || step.kind != StepKind::Kernel || step.outputs.size() != 1 || step.counted.op) return std::nullopt;
    const KernelFactory* factory = factoryOf(mProgram, step);
    if (!factory || !factory->canFuse) return std::nullopt;
    const std::vector<std::size_t> users = mUses.inside(step.outputs[0]);
    if (users.size() == 1) return fuseNext(s, users[0], *factory);
    if (users.size() == 2) return fuseGate(s, users, *factory);
    return std::nullopt;
  }

  std::optional<std::size_t> fuseNext(std::size_t s, std::size_t t, const KernelFactory& factory) {
    const Step& step = mProgram.steps[s];
    const Step& next = mProgram.steps[t];
    if (next.kind == StepKind::SignActivation) return fuseCounted(s, t, factory);
    if (next.kind != StepKind::Kernel || !next.postOps.empty()) return std::nullopt;
    if (isActivation(next)) {
      const PostOp postOp{PostOp::Kind::Activation, next.op.get()};
      if (!factory.canFuse(mProgram.request(step), postOp)) return std::nullopt;
      return merge(s, t, postOp, kNoValue);
    }
    if (roleOf(next) != Role::Sum) return std::nullopt;
    const ValueId own = step.outputs[0];
    const ValueId other = next.inputs[next.inputs[0] == own ? 1 : 0];
    if (!sameShape(own, other) || !sameShape(own, next.outputs[0]) || isBetterPlace(other, s)) return std::nullopt;
    KernelRequest request = mProgram.request(step);
    const PostOp postOp{PostOp::Kind::Sum, nullptr, request.inputs.size()};
    addInput(request, other);
    if (!factory.canFuse(request, postOp)) return std::nullopt;
    return merge(s, t, postOp, other);
  }

  std::optional<std::size_t> fuseCounted(std::size_t s, std::size_t t, const KernelFactory& factory) {
    const Step& next = mProgram.steps[t];
    if (!factory.canCount || !factory.canCount(mProgram.request(mProgram.steps[s]), *next.op)) return std::nullopt;
    const CountedActivation counted{next.op.get(), next.observers[0]->upper()};
    std::vector<std::shared_ptr<Observer>> observers = next.observers;
    replace(s, t);
    mProgram.steps[t].counted = counted;
    mProgram.steps[t].observers = std::move(observers);
    return t;
  }

  /// x -> f(x) -> x * f(x), where nobody else sees x or f(x).
  std::optional<std::size_t> fuseGate(std::size_t s, const std::vector<std::size_t>& users, const KernelFactory& factory) {
    for (const auto& [a, m] : {std::pair{users[0], users[1]}, std::pair{users[1], users[0]}}) {
      const Step& gate = mProgram.steps[a];
      const Step& product = mProgram.steps[m];
      if (gate.kind != StepKind::Kernel || product.kind != StepKind::Kernel || !gate.postOps.empty() || !product.postOps.empty()) continue;
      if (!isActivation(gate) || roleOf(product) != Role::Product) continue;
      if (mUses.inside(gate.outputs[0]) != std::vector{m}) continue;
      if (std::find(product.inputs.begin(), product.inputs.end(), gate.outputs[0]) == product.inputs.end()) continue;
      const PostOp postOp{PostOp::Kind::Gate, gate.op.get()};
      if (!factory.canFuse(mProgram.request(mProgram.steps[s]), postOp)) continue;
      mProgram.steps[s].fused.push_back(gate.node);
      mProgram.steps[s].fusedOps.push_back(gate.op);
      mProgram.steps[a].removed = true;
      return merge(s, m, postOp, kNoValue);
    }
    return std::nullopt;
  }

  [[nodiscard]] bool sameShape(ValueId a, ValueId b) const { return mProgram.values[a].desc.dims == mProgram.values[b].desc.dims; }

  /// Whether the other operand's step comes later and could take the addition itself, which spares moving this one.
  [[nodiscard]] bool isBetterPlace(ValueId other, std::size_t s) const {
    const std::size_t producer = mProducers[other];
    if (producer == kNoValue || producer <= s || mUses.inside(other).size() != 1) return false;
    const Step& step = mProgram.steps[producer];
    const KernelFactory* factory = step.kind == StepKind::Kernel ? factoryOf(mProgram, step) : nullptr;
    if (!factory || !factory->canFuse || step.removed) return false;
    KernelRequest request = mProgram.request(step);
    const PostOp postOp{PostOp::Kind::Sum, nullptr, request.inputs.size()};
    addInput(request, other);
    return factory->canFuse(request, postOp);
  }

  void addInput(KernelRequest& request, ValueId id) const {
    request.inputs.push_back(mProgram.values[id].desc);
    request.present.push_back(true);
    request.constants.push_back(nullptr);
  }

  /// Puts step `s` with one more post-op in the place of step `t`.
  std::size_t merge(std::size_t s, std::size_t t, const PostOp& postOp, ValueId extraInput) {
    replace(s, t);
    mProgram.steps[t].postOps.push_back(postOp);
    if (extraInput != kNoValue) mProgram.steps[t].inputs.push_back(extraInput);
    return t;
  }

  /// Puts step `s` in the place of step `t`, whose output becomes its own.
  void replace(std::size_t s, std::size_t t) {
    Step merged = std::move(mProgram.steps[s]);
    Step& next = mProgram.steps[t];
    merged.fused.push_back(next.node);
    merged.fusedOps.push_back(next.op);
    merged.fusedOps.insert(merged.fusedOps.end(), next.fusedOps.begin(), next.fusedOps.end());
    merged.outputs = next.outputs;
    mProducers[merged.outputs[0]] = t;
    mProgram.steps[s].removed = true;
    mProgram.steps[s].inputs.clear();
    mProgram.steps[s].outputs.clear();
    next = std::move(merged);
    mUses.move(s, t);
  }

  Program& mProgram;
  Uses mUses;
  std::vector<std::size_t> mProducers;
};

}  // namespace

void fusePostOps(Program& program) { PostOpFuser(program).run(); }

void fuseObservers(Program& program) {
  for (const Step& step : program.steps) {
    for (const auto& observer : step.observers) {
      const DataType dtype = program.values[step.inputs[0]].desc.dtype;
      if (observer->request() == Observer::Request::Values || dtype == DataType::Float32) continue;
      throwExpected("scheduler::forward", "float32 values for statistics at " + step.node->describe(),
                    std::string(toString(dtype)) + "; aidge_onnx.load_onnx(path, in_float32=True) reads such a network in float32");
    }
  }
  for (std::size_t s = 0; s + 1 < program.steps.size(); ++s) {
    Step& watch = program.steps[s];
    Step& next = program.steps[s + 1];
    if (watch.kind != StepKind::Observe || watch.node != next.node || next.kind != StepKind::Kernel) continue;
    if (!isActivation(next) || watch.inputs[0] != next.inputs[0]) continue;
    if (program.values[next.inputs[0]].desc.dtype != DataType::Float32) continue;
    std::vector<std::shared_ptr<Observer>> fused;
    std::vector<std::shared_ptr<Observer>> others;
    for (const auto& observer : watch.observers) {
      const bool fits = observer->request() == Observer::Request::SignSummary && (fused.empty() || fused[0]->upper() == observer->upper());
      (fits ? fused : others).push_back(observer);
    }
    if (fused.empty()) continue;
    next.kind = StepKind::SignActivation;
    next.observers = std::move(fused);
    watch.observers = std::move(others);
    watch.removed = watch.observers.empty();
  }
  program.sweep();
}

}  // namespace Aidge::plan
