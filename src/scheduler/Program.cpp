#include "Program.hpp"

#include <algorithm>
#include <utility>

#include "aidge/backend/GenericKernels.hpp"

namespace Aidge::plan {

bool writesNothing(const Program& program, const Step& step) {
  return std::all_of(step.outputs.begin(), step.outputs.end(), [&](ValueId id) { return program.values[id].desc.elements() == 0; });
}

const KernelFactory* factoryOf(const Program& program, const Step& step) {
  if (!isPlanners(step) && step.op->isGeneric()) return &genericFactory();
  return KernelRegistry::find(program.backend, step.type);
}

Role roleOf(const Step& step) { return step.op ? step.op->role() : Role::Other; }

bool isPlanners(const Step& step) { return !step.node || step.op != step.node->getOperator(); }

ValueId Program::addValue(Value value) {
  values.push_back(std::move(value));
  return values.size() - 1;
}

ValueId Program::root(ValueId id) const {
  while (values[id].alias != kNoValue) id = values[id].alias;
  return id;
}

std::vector<std::size_t> Program::useCounts() const {
  std::vector<std::size_t> counts(values.size(), 0);
  for (const Step& step : steps) {
    if (step.removed) continue;
    for (const ValueId id : step.inputs) {
      if (id != kNoValue) ++counts[id];
    }
  }
  for (const Export& entry : exports) ++counts[entry.value];
  return counts;
}

std::vector<std::size_t> Program::producers() const {
  std::vector<std::size_t> result(values.size(), kNoValue);
  for (std::size_t s = 0; s < steps.size(); ++s) {
    if (steps[s].removed) continue;
    for (const ValueId id : steps[s].outputs) result[id] = s;
  }
  return result;
}

void Program::replaceUses(ValueId from, ValueId to) {
  for (Step& step : steps) std::replace(step.inputs.begin(), step.inputs.end(), from, to);
  for (Export& entry : exports) {
    if (entry.value == from) entry.value = to;
  }
}

void Program::sweep() {
  std::erase_if(steps, [](const Step& step) { return step.removed; });
}

TensorDesc Program::partOf(ValueId id, DimSize_t parts) const {
  TensorDesc desc = values[id].desc;
  if (parts > 1 && !values[id].constant) desc.dims[0] /= parts;
  return desc;
}

KernelRequest Program::request(const Step& step, DimSize_t parts) const {
  KernelRequest request;
  request.op = step.op.get();
  for (const ValueId id : step.inputs) {
    const bool present = id != kNoValue;
    request.present.push_back(present);
    request.inputs.push_back(present ? partOf(id, parts) : TensorDesc{});
    request.constants.push_back(present && values[id].constant ? &*values[id].constant : nullptr);
  }
  for (const ValueId id : step.outputs) request.outputs.push_back(partOf(id, parts));
  request.postOps = step.postOps;
  request.counted = step.counted;
  request.options = &options;
  return request;
}

}  // namespace Aidge::plan
