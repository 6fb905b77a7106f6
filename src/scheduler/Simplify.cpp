#include <algorithm>
#include <memory>
#include <utility>

#include "aidge/scheduler/AlignedBuffer.hpp"
#include "aidge/scheduler/Passes.hpp"

namespace Aidge::plan {

namespace {

/// Constants bigger than this are computed at every forward rather than kept.
constexpr std::size_t kMaxConstantBytes = std::size_t{64} << 20;

Tensor runOnce(Kernel& kernel, const KernelRequest& request) {
  Tensor result(request.outputs[0].dims, request.outputs[0].dtype);
  result.allocate();
  std::vector<const void*> inputs;
  for (const Tensor* constant : request.constants) inputs.push_back(constant ? constant->rawData() : nullptr);
  void* output = result.rawMutableData();
  AlignedBuffer scratch(kernel.scratchBytes());
  kernel.run(inputs, {&output, 1}, scratch.data());
  return result;
}

bool isConstantStep(const Program& program, const Step& step) {
  if (step.kind != StepKind::Kernel || step.outputs.size() != 1 || step.inputs.empty()) return false;
  if (program.values[step.outputs[0]].desc.bytes() > kMaxConstantBytes) return false;
  return std::all_of(step.inputs.begin(), step.inputs.end(), [&](ValueId id) { return id == kNoValue || program.values[id].constant; });
}

void foldConstantStep(Program& program, Step& step) {
  Value& output = program.values[step.outputs[0]];
  if (isReshaping(step.type)) {
    output.constant = program.values[step.inputs[0]].constant->reshaped(output.desc.dims);
  } else {
    output.constant = evaluateConstant(program, step);
  }
  step.removed = true;
}

/// Removes steps whose results nobody uses, last first.
void dropUnused(Program& program) {
  std::vector<std::size_t> uses = program.useCounts();
  for (auto step = program.steps.rbegin(); step != program.steps.rend(); ++step) {
    if (step->kind != StepKind::Kernel) continue;
    if (std::any_of(step->outputs.begin(), step->outputs.end(), [&](ValueId id) { return uses[id] > 0; })) continue;
    step->removed = true;
    for (const ValueId id : step->inputs) {
      if (id != kNoValue) --uses[id];
    }
  }
  program.sweep();
}

}  // namespace

Tensor evaluateConstant(const Program& program, const Step& step) {
  if (writesNothing(program, step)) {
    const TensorDesc& desc = program.values[step.outputs[0]].desc;
    Tensor empty(desc.dims, desc.dtype);
    empty.allocate();
    return empty;
  }
  const KernelRequest request = program.request(step);
  return runOnce(*KernelRegistry::find(program.backend, step.type)->create(request), request);
}

Tensor reorderConstant(const Program& program, const Tensor& tensor, Layout from, Layout to) {
  KernelRequest request;
  request.inputs.push_back({tensor.dims(), tensor.dataType(), from});
  request.present.push_back(true);
  request.constants.push_back(&tensor);
  request.outputs.push_back({tensor.dims(), tensor.dataType(), to});
  return runOnce(*KernelRegistry::find(program.backend, "Reorder")->create(request), request);
}

void simplify(Program& program) {
  for (Step& step : program.steps) {
    if (step.kind == StepKind::Kernel && isRenaming(step.type)) {
      program.replaceUses(step.outputs[0], step.inputs[0]);
      step.removed = true;
    } else if (isConstantStep(program, step)) {
      foldConstantStep(program, step);
    }
  }
  program.sweep();
  dropUnused(program);
}

}  // namespace Aidge::plan
