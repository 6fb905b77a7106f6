#include "aidge/scheduler/Plan.hpp"

#include <chrono>
#include <utility>

#include "aidge/scheduler/Passes.hpp"

namespace Aidge::plan {

Plan::Plan(GraphView& graph, const std::string& backend, const std::vector<TensorInfo>& inputs, const std::vector<NodePtr>& keep)
    : mProgram(buildProgram(graph, backend, inputs, keep)) {
  simplify(mProgram);
  fuseObservers(mProgram);
  foldAffine(mProgram);
  fusePostOps(mProgram);
  assignLayouts(mProgram);
  assignSegments(mProgram);
  const std::vector<ValueId> shared = shareBuffers(mProgram);
  createKernels();
  std::vector<std::size_t> scratch;
  for (const Task& task : mTasks) scratch.push_back(task.kernel ? task.kernel->scratchBytes() : 0);
  mMemory = planMemory(mProgram, shared, scratch);
  dropPackedConstants();
  for (std::size_t id = 0; id < mProgram.values.size(); ++id) {
    const Value& value = mProgram.values[id];
    if (value.exported && value.alias == kNoValue && !value.graphInput && !value.constant) mExported.push_back(id);
    const Value& root = mProgram.values[mProgram.root(id)];
    mStrides.push_back(root.constant || root.local ? 0 : value.desc.bytes());
  }
}

void Plan::createKernels() {
  for (const Segment& segment : mProgram.segments) {
    for (std::size_t s = segment.first; s < segment.end; ++s) {
      const Step& step = mProgram.steps[s];
      Task& task = mTasks.emplace_back();
      if (step.kind != StepKind::Kernel) continue;
      task.kernel = KernelRegistry::find(mProgram.backend, step.type)->create(mProgram.request(step, segment.parts));
    }
  }
}

void Plan::dropPackedConstants() {
  std::vector<bool> needed(mProgram.values.size(), false);
  for (std::size_t s = 0; s < mProgram.steps.size(); ++s) {
    const Step& step = mProgram.steps[s];
    for (std::size_t i = 0; i < step.inputs.size(); ++i) {
      const ValueId id = step.inputs[i];
      if (id != kNoValue && (!mTasks[s].kernel || mTasks[s].kernel->readsConstant(i))) needed[mProgram.root(id)] = true;
    }
  }
  for (const Export& entry : mProgram.exports) needed[mProgram.root(entry.value)] = true;
  for (std::size_t id = 0; id < needed.size(); ++id) {
    if (!needed[id] && mProgram.values[id].constant) mProgram.values[id].constant = Tensor(mProgram.values[id].desc.dims);
  }
}

std::vector<Tensor> Plan::run(std::span<const Tensor> inputs, std::byte* arena, bool profiling) {
  bindValues(inputs, arena);
  for (const Segment& segment : mProgram.segments) runSegment(segment, arena, profiling);
  std::vector<Tensor> results = exportResults();
  mTensors.clear();
  return results;
}

void Plan::runSegment(const Segment& segment, std::byte* arena, bool profiling) {
  for (std::size_t s = segment.first; s < segment.end; ++s) mTasks[s].signs.assign(mProgram.steps[s].observers.size(), {});
  for (DimSize_t part = 0; part < segment.parts; ++part) {
    for (std::size_t s = segment.first; s < segment.end; ++s) {
      if (!profiling) {
        runStep(s, part, segment.parts, arena);
        continue;
      }
      const auto start = std::chrono::steady_clock::now();
      runStep(s, part, segment.parts, arena);
      mTasks[s].seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }
  }
  for (std::size_t s = segment.first; s < segment.end; ++s) deliverSigns(s);
}

void Plan::bindValues(std::span<const Tensor> inputs, std::byte* arena) {
  mPointers.assign(mProgram.values.size(), nullptr);
  mTensors.assign(mProgram.values.size(), Tensor());
  for (const std::size_t id : mExported) {
    mTensors[id] = Tensor(mProgram.values[id].desc.dims, mProgram.values[id].desc.dtype);
    mTensors[id].allocate();
    mPointers[id] = mTensors[id].rawMutableData();
  }
  for (std::size_t id = 0; id < mProgram.values.size(); ++id) {
    const Value& value = mProgram.values[id];
    if (value.alias != kNoValue) continue;
    if (value.graphInput) {
      mTensors[id] = inputs[*value.graphInput];
      mPointers[id] = const_cast<void*>(mTensors[id].rawData());  // only ever read: inputs are never shared with an output
    } else if (value.constant) {
      if (value.constant->hasData()) mPointers[id] = const_cast<void*>(value.constant->rawData());
    } else if (mMemory.valueOffsets[id] != kNoValue) {
      mPointers[id] = arena + mMemory.valueOffsets[id];
    }
  }
  for (std::size_t id = 0; id < mProgram.values.size(); ++id) {
    if (mProgram.values[id].alias != kNoValue) mPointers[id] = mPointers[mProgram.root(id)];
  }
}

void* Plan::pointer(ValueId id, DimSize_t part, DimSize_t parts) const {
  if (id == kNoValue || part == 0 || mPointers[id] == nullptr) return id == kNoValue ? nullptr : mPointers[id];
  return static_cast<std::byte*>(mPointers[id]) + mStrides[id] / static_cast<std::size_t>(parts) * static_cast<std::size_t>(part);
}

void Plan::runStep(std::size_t index, DimSize_t part, DimSize_t parts, std::byte* arena) {
  switch (mProgram.steps[index].kind) {
    case StepKind::Kernel:
      runKernel(index, part, parts, arena);
      break;
    case StepKind::SignActivation:
      runSignActivation(index, part, parts);
      break;
    case StepKind::Observe:
      observeValues(index, part, parts);
      break;
    case StepKind::BeforeHooks:
    case StepKind::AfterHooks:
      callHooks(mProgram.steps[index]);
      break;
  }
}

void Plan::runKernel(std::size_t index, DimSize_t part, DimSize_t parts, std::byte* arena) {
  const Step& step = mProgram.steps[index];
  mInputPointers.clear();
  for (const ValueId id : step.inputs) mInputPointers.push_back(pointer(id, part, parts));
  mOutputPointers.clear();
  for (const ValueId id : step.outputs) mOutputPointers.push_back(pointer(id, part, parts));
  mTasks[index].kernel->run(mInputPointers, mOutputPointers, arena + mMemory.scratchOffsets[index]);
}

void Plan::runSignActivation(std::size_t index, DimSize_t part, DimSize_t parts) {
  const Step& step = mProgram.steps[index];
  const TensorDesc input = mProgram.partOf(step.inputs[0], parts);
  KernelRegistry::services(mProgram.backend)
      .signActivation(static_cast<const float*>(pointer(step.inputs[0], part, parts)),
                      static_cast<float*>(pointer(step.outputs[0], part, parts)), input.dims, input.layout, step.op.get(),
                      step.observers[0]->upper(), mTasks[index].signs[0]);
}

void Plan::observeValues(std::size_t index, DimSize_t part, DimSize_t parts) {
  const Step& step = mProgram.steps[index];
  const TensorDesc desc = mProgram.partOf(step.inputs[0], parts);
  const void* data = pointer(step.inputs[0], part, parts);
  for (std::size_t i = 0; i < step.observers.size(); ++i) {
    Observer& observer = *step.observers[i];
    if (observer.request() == Observer::Request::Values) {
      observer.observe(TensorView{data, desc.dtype, desc.dims, desc.layout});
    } else {
      KernelRegistry::services(mProgram.backend)
          .signActivation(static_cast<const float*>(data), nullptr, desc.dims, desc.layout, nullptr, observer.upper(),
                          mTasks[index].signs[i]);
    }
  }
}

void Plan::deliverSigns(std::size_t index) {
  const Step& step = mProgram.steps[index];
  for (std::size_t i = 0; i < step.observers.size(); ++i) {
    if (step.observers[i]->request() != Observer::Request::SignSummary) continue;
    const SignAccumulator& signs = mTasks[index].signs[step.kind == StepKind::SignActivation ? 0 : i];
    step.observers[i]->observe(SignSummary{signs.negative, signs.positive, signs.active});
  }
}

Tensor Plan::tensorOf(ValueId id) const {
  const Value& root = mProgram.values[mProgram.root(id)];
  const Tensor& tensor = root.constant ? *root.constant : mTensors[mProgram.root(id)];
  return tensor.reshaped(mProgram.values[id].desc.dims);
}

void Plan::callHooks(const Step& step) {
  Operator& op = *step.node->getOperator();
  const bool before = step.kind == StepKind::BeforeHooks;
  for (IOIndex_t i = 0; i < step.inputs.size(); ++i) {
    const ValueId id = step.inputs[i];
    if (id == kNoValue || (before ? mProgram.values[id].constant.has_value() : op.isProducer())) continue;
    const TensorPtr& place = before ? op.getInput(i) : op.getOutput(i);
    if (place) {
      *place = tensorOf(id);
    } else {
      op.setInput(i, std::make_shared<Tensor>(tensorOf(id)));
    }
  }
  const std::vector<Node::Hook> hooks = before ? step.node->beforeForwardHooks() : step.node->afterForwardHooks();
  for (const Node::Hook& hook : hooks) hook(*step.node);
}

std::vector<Tensor> Plan::exportResults() {
  std::vector<Tensor> results;
  for (const Export& entry : mProgram.exports) {
    const Value& root = mProgram.values[mProgram.root(entry.value)];
    Tensor tensor = tensorOf(entry.value);
    if (root.constant || root.graphInput) tensor = tensor.clone();
    if (!entry.node->getOperator()->isProducer()) *entry.node->getOperator()->getOutput(entry.index) = tensor;
    if (entry.graphOutput) results.push_back(std::move(tensor));
  }
  return results;
}

PlanReport Plan::report() const {
  PlanReport report;
  report.arenaBytes = mMemory.arenaBytes;
  std::size_t segment = 0;
  for (std::size_t s = 0; s < mProgram.steps.size(); ++s) {
    const Step& step = mProgram.steps[s];
    StepReport entry;
    entry.node = step.node ? step.node->name() : "";
    entry.type = step.type;
    for (const NodePtr& node : step.fused) entry.fused.push_back(node->name());
    if (mTasks[s].kernel) {
      entry.implementation = mTasks[s].kernel->implementation();
      report.weightBytes += mTasks[s].kernel->packedBytes();
    } else {
      entry.implementation = step.kind == StepKind::SignActivation ? "sign_activation"
                             : step.kind == StepKind::Observe      ? "observe"
                                                                   : "hooks";
    }
    while (mProgram.segments[segment].end <= s) ++segment;
    entry.parts = mProgram.segments[segment].parts;
    entry.seconds = mTasks[s].seconds;
    report.steps.push_back(std::move(entry));
  }
  return report;
}

}  // namespace Aidge::plan
