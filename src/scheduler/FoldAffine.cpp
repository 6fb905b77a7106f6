#include <algorithm>
#include <optional>
#include <utility>

#include "../layers/Layers.hpp"
#include "Passes.hpp"

namespace Aidge::plan {

namespace {

const Tensor* constantOf(const Program& program, ValueId id) {
  return id != kNoValue && program.values[id].constant ? &*program.values[id].constant : nullptr;
}

/// Whether the step's weight (input 1) and bias (input 2, or missing) are constants that can be scaled.
bool hasScalableWeight(const Program& program, const Step& step) {
  if (step.kind != StepKind::Kernel || !step.postOps.empty()) return false;
  if (!step.op || !layers::isWeighted(*step.op)) return false;
  const Tensor* weight = constantOf(program, step.inputs[layers::kWeight]);
  if (!weight || weight->dataType() != DataType::Float32) return false;
  return step.inputs.size() <= layers::kBias || step.inputs[layers::kBias] == kNoValue || constantOf(program, step.inputs[layers::kBias]);
}

/// What a step that follows does to `data`; nullopt if it is no affine map of each channel, or changes the dims.
std::optional<ChannelAffine> affineOf(const Program& program, const Step& step, ValueId data) {
  if (step.kind != StepKind::Kernel || !step.op || !step.postOps.empty()) return std::nullopt;
  const Dims& dims = program.values[data].desc.dims;
  if (program.values[step.outputs[0]].desc.dims != dims) return std::nullopt;
  std::vector<const Tensor*> constants;
  for (const ValueId id : step.inputs) constants.push_back(constantOf(program, id));
  const auto at = std::find(step.inputs.begin(), step.inputs.end(), data) - step.inputs.begin();
  return step.op->traits().affine(*step.op, static_cast<IOIndex_t>(at), dims, constants);
}

ValueId addConstant(Program& program, const std::string& name, Tensor tensor) {
  Value value;
  value.name = name;
  value.desc = {tensor.dims(), tensor.dataType()};
  value.constant = std::move(tensor);
  return program.addValue(std::move(value));
}

void fold(Program& program, Step& step, Step& affineStep, const ChannelAffine& affine) {
  if (std::any_of(affine.factor.begin(), affine.factor.end(), [](double v) { return v != 1.0; })) {
    Tensor scaled = layers::scaledWeight(*step.op, *program.values[step.inputs[layers::kWeight]].constant, affine.factor);
    step.inputs[layers::kWeight] = addConstant(program, step.node->name() + ":folded_weight", std::move(scaled));
  }
  step.inputs.resize(layers::kBias + 1, kNoValue);
  Tensor bias = layers::mappedBias(constantOf(program, step.inputs[layers::kBias]), affine, DataType::Float32);
  step.inputs[layers::kBias] = addConstant(program, step.node->name() + ":folded_bias", std::move(bias));
  step.outputs = affineStep.outputs;
  step.fused.push_back(affineStep.node);
  affineStep.removed = true;
}

/// The only step that uses `id` (with nothing else seeing it), or nullptr.
Step* onlyConsumer(Program& program, const std::vector<std::size_t>& uses, ValueId id) {
  if (uses[id] != 1) return nullptr;
  for (Step& step : program.steps) {
    if (!step.removed && std::find(step.inputs.begin(), step.inputs.end(), id) != step.inputs.end()) return &step;
  }
  return nullptr;
}

}  // namespace

void foldAffine(Program& program) {
  std::vector<std::size_t> uses = program.useCounts();
  for (Step& step : program.steps) {
    if (step.removed || !hasScalableWeight(program, step)) continue;
    while (true) {
      Step* next = onlyConsumer(program, uses, step.outputs[0]);
      if (!next) break;
      const auto affine = affineOf(program, *next, step.outputs[0]);
      if (!affine) break;
      fold(program, step, *next, *affine);
      uses.resize(program.values.size(), 1);
    }
  }
  program.sweep();
}

}  // namespace Aidge::plan
