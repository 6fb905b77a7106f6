#include <algorithm>
#include <memory>
#include <utility>

#include "AlignedBuffer.hpp"
#include "Passes.hpp"

namespace Aidge::plan {

namespace {

/// Constants bigger than this are computed at every forward rather than kept.
constexpr std::size_t kMaxConstantBytes = std::size_t{64} << 20;

bool isConstantStep(const Program& program, const Step& step) {
  if (step.kind != StepKind::Kernel || step.inputs.empty()) return false;
  const auto isBig = [&](ValueId id) { return program.values[id].desc.bytes() > kMaxConstantBytes; };
  if (std::any_of(step.outputs.begin(), step.outputs.end(), isBig)) return false;
  return std::all_of(step.inputs.begin(), step.inputs.end(), [&](ValueId id) { return id == kNoValue || program.values[id].constant; });
}

void foldConstantStep(Program& program, Step& step) {
  if (roleOf(step) == Role::Reshaping) {
    Value& output = program.values[step.outputs[0]];
    output.constant = program.values[step.inputs[0]].constant->reshaped(output.desc.dims);
  } else {
    std::vector<Tensor> results = evaluateConstant(program, step);
    for (std::size_t i = 0; i < results.size(); ++i) program.values[step.outputs[i]].constant = std::move(results[i]);
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

std::vector<Tensor> runOnce(Kernel& kernel, const KernelRequest& request) {
  std::vector<Tensor> results;
  std::vector<void*> outputs;
  for (const TensorDesc& output : request.outputs) {
    results.emplace_back(output.dims, output.dtype).allocate();
    outputs.push_back(results.back().rawMutableData());
  }
  std::vector<const void*> inputs;
  for (const Tensor* constant : request.constants) inputs.push_back(constant ? constant->rawData() : nullptr);
  AlignedBuffer scratch(kernel.scratchBytes());
  kernel.run(inputs, outputs, scratch.data());
  return results;
}

std::vector<Tensor> evaluateConstant(const Program& program, const Step& step) {
  if (writesNothing(program, step)) {
    std::vector<Tensor> results;
    for (const ValueId id : step.outputs) results.emplace_back(program.values[id].desc.dims, program.values[id].desc.dtype).allocate();
    return results;
  }
  const KernelRequest request = program.request(step);
  try {
    return runOnce(*factoryOf(program, step)->create(request), request);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(step.node->describe() + ": " + error.what());
  }
}

Tensor reorderConstant(const Program& program, const Tensor& tensor, Layout from, Layout to) {
  KernelRequest request;
  request.inputs.push_back({tensor.dims(), tensor.dataType(), from});
  request.present.push_back(true);
  request.constants.push_back(&tensor);
  request.outputs.push_back({tensor.dims(), tensor.dataType(), to});
  return runOnce(*KernelRegistry::find(program.backend, "Reorder")->create(request), request)[0];
}

void simplify(Program& program) {
  for (Step& step : program.steps) {
    if (step.kind == StepKind::Kernel && roleOf(step) == Role::Renaming) {
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
