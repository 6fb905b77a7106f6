#include "Plan.hpp"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "Passes.hpp"
#include "aidge/core/Errors.hpp"

namespace Aidge::plan {

namespace {

std::size_t channelsOf(const TensorDesc& desc) { return desc.dims.size() > 1 ? static_cast<std::size_t>(desc.dims[1]) : 1; }

/// Kernels that are created while this lives run on one thread: several of them run at a time.
class OneThread {
 public:
  explicit OneThread(bool active) : mBefore(omp_get_max_threads()) {
    if (active) omp_set_num_threads(1);
  }
  ~OneThread() { omp_set_num_threads(mBefore); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int mBefore;
};

}  // namespace

Plan::Plan(GraphView& graph, const std::string& backend, const std::vector<TensorInfo>& inputs, const std::vector<NodePtr>& keep,
           int threads, Stage& stage)
    : mProgram(buildProgram(graph, backend, inputs, keep, stage)), mThreads(threads) {
  simplify(mProgram);
  fuseRearrangements(mProgram);
  fuseObservers(mProgram);
  foldAffine(mProgram);
  fusePostOps(mProgram);
  assignLayouts(mProgram);
  assignSegments(mProgram, threads);
  const std::vector<ValueId> shared = shareBuffers(mProgram);
  createKernels();
  std::vector<std::size_t> scratch;
  for (const Task& task : mTasks) scratch.push_back(task.kernel ? task.kernel->scratchBytes() : 0);
  mMemory = planMemory(mProgram, shared, scratch, threads);
  dropPackedConstants();
  for (std::size_t id = 0; id < mProgram.values.size(); ++id) {
    const Value& value = mProgram.values[id];
    if (value.exported && value.alias == kNoValue && !value.graphInput && !value.constant) mExported.push_back(id);
    const Value& root = mProgram.values[mProgram.root(id)];
    mStrides.push_back(root.constant || root.local ? 0 : value.desc.bytes());
    mLocal.push_back(root.local);
  }
}

std::vector<std::vector<double>> Plan::makePooled(const Step& step) const {
  const TensorDesc& desc = mProgram.values[step.inputs[0]].desc;
  std::vector<std::vector<double>> pooled(step.observers.size());
  for (std::size_t i = 0; i < pooled.size(); ++i) {
    if (step.observers[i]->request() != Observer::Request::PooledValues) continue;
    if (desc.dtype != DataType::Float32 || desc.dims.empty()) {
      throwExpected("scheduler::forward", "float32 values with a batch axis to pool at " + step.node->describe(),
                    std::string(toString(desc.dtype)) + " " + toString(desc.dims));
    }
    pooled[i].resize(static_cast<std::size_t>(desc.dims[0]) * channelsOf(desc));
  }
  return pooled;
}

void Plan::createKernels() {
  for (const Segment& segment : mProgram.segments) {
    const OneThread oneThread(lanesOf(segment) > 1);
    for (std::size_t s = segment.first; s < segment.end; ++s) {
      const Step& step = mProgram.steps[s];
      Task& task = mTasks.emplace_back();
      if (step.kind == StepKind::Observe) task.pooled = makePooled(step);
      if (step.kind != StepKind::Kernel || writesNothing(mProgram, step)) continue;
      task.kernel = factoryOf(mProgram, step)->create(mProgram.request(step, segment.parts));
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

std::vector<Tensor> Plan::run(std::span<const Tensor> inputs, std::byte* arena, std::span<double> seconds, Results& kept) {
  bindValues(inputs, arena);
  for (std::size_t g = 0; g < mProgram.segments.size(); ++g) runSegment(g, arena, seconds);
  std::vector<Tensor> results = exportResults(kept);
  mTensors.clear();
  return results;
}

int Plan::lanesOf(const Segment& segment) const { return static_cast<int>(std::min<DimSize_t>(mThreads, segment.parts)); }

void Plan::runSegment(std::size_t index, std::byte* arena, std::span<double> seconds) {
  const Segment& segment = mProgram.segments[index];
  for (std::size_t s = segment.first; s < segment.end; ++s) {
    mTasks[s].signs.assign(mProgram.steps[s].observers.size() * static_cast<std::size_t>(segment.parts), {});
    mTasks[s].turn = 0;
  }
  mError = nullptr;
  std::atomic<DimSize_t> next{0};
  const int lanes = lanesOf(segment);
  const std::size_t laneBytes = mMemory.laneBytes[index];
  if (lanes == 1) {
    runParts(segment, {.parts = segment.parts, .arena = arena, .inputs = {}, .outputs = {}}, next, seconds);
  } else {
#pragma omp parallel num_threads(lanes)
    {
      omp_set_num_threads(1);
      const std::size_t shift = laneBytes * static_cast<std::size_t>(omp_get_thread_num());
      runParts(segment, {.parts = segment.parts, .arena = arena, .shift = shift, .inputs = {}, .outputs = {}}, next, seconds);
    }
  }
  if (mError) std::rethrow_exception(std::exchange(mError, nullptr));
  for (std::size_t s = segment.first; s < segment.end; ++s) deliver(s, segment.parts);
}

void Plan::runParts(const Segment& segment, Lane lane, std::atomic<DimSize_t>& next, std::span<double> seconds) {
  try {
    while ((lane.part = next.fetch_add(1)) < segment.parts) {
      for (std::size_t s = segment.first; s < segment.end; ++s) {
        if (seconds.empty()) {
          runStep(s, lane);
          continue;
        }
        const auto start = std::chrono::steady_clock::now();
        runStep(s, lane);
        const double taken = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        std::atomic_ref(seconds[s]).fetch_add(taken);
      }
    }
  } catch (...) {
    next.store(segment.parts);
    const std::lock_guard lock(mTurnMutex);
    if (!mError) mError = std::current_exception();
    mTurnChanged.notify_all();
  }
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

void* Plan::pointer(ValueId id, const Lane& lane) const {
  if (id == kNoValue || mPointers[id] == nullptr) return nullptr;
  auto* bytes = static_cast<std::byte*>(mPointers[id]);
  if (mLocal[id]) return bytes + lane.shift;
  return bytes + mStrides[id] / static_cast<std::size_t>(lane.parts) * static_cast<std::size_t>(lane.part);
}

void Plan::runStep(std::size_t index, Lane& lane) {
  switch (mProgram.steps[index].kind) {
    case StepKind::Kernel:
      runKernel(index, lane);
      break;
    case StepKind::SignActivation:
      runSignActivation(index, lane);
      break;
    case StepKind::Observe:
      observe(index, lane);
      break;
    case StepKind::BeforeHooks:
    case StepKind::AfterHooks:
      callHooks(mProgram.steps[index]);
      break;
  }
}

void Plan::runKernel(std::size_t index, Lane& lane) {
  const Step& step = mProgram.steps[index];
  if (!mTasks[index].kernel) return;
  lane.inputs.clear();
  for (const ValueId id : step.inputs) lane.inputs.push_back(pointer(id, lane));
  lane.outputs.clear();
  for (const ValueId id : step.outputs) lane.outputs.push_back(pointer(id, lane));
  std::byte* scratch = lane.arena + mMemory.scratchOffsets[index] + lane.shift;
  try {
    if (step.counted.op == nullptr) return mTasks[index].kernel->run(lane.inputs, lane.outputs, scratch);
    SignAccumulator& signs = mTasks[index].signs[static_cast<std::size_t>(lane.part) * step.observers.size()];
    mTasks[index].kernel->runCounting(lane.inputs, lane.outputs, scratch, signs);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(step.node->describe() + ": " + error.what());
  }
}

void Plan::runSignActivation(std::size_t index, const Lane& lane) {
  const Step& step = mProgram.steps[index];
  const TensorDesc input = mProgram.partOf(step.inputs[0], lane.parts);
  SignAccumulator& signs = mTasks[index].signs[static_cast<std::size_t>(lane.part) * step.observers.size()];
  KernelRegistry::services(mProgram.backend)
      .signActivation(static_cast<const float*>(pointer(step.inputs[0], lane)), static_cast<float*>(pointer(step.outputs[0], lane)),
                      input.dims, input.layout, step.op.get(), step.observers[0]->upper(), signs);
}

void Plan::observe(std::size_t index, const Lane& lane) {
  const Step& step = mProgram.steps[index];
  const TensorDesc desc = mProgram.partOf(step.inputs[0], lane.parts);
  const TensorView values{pointer(step.inputs[0], lane), desc.dtype, desc.dims, desc.layout};
  bool shows = false;
  for (std::size_t i = 0; i < step.observers.size(); ++i) {
    const Observer::Request request = step.observers[i]->request();
    shows |= request == Observer::Request::Values;
    if (request == Observer::Request::PooledValues) poolValues(index, i, lane, values);
    if (request != Observer::Request::SignSummary) continue;
    SignAccumulator& signs = mTasks[index].signs[static_cast<std::size_t>(lane.part) * step.observers.size() + i];
    KernelRegistry::services(mProgram.backend)
        .signActivation(static_cast<const float*>(values.data), nullptr, desc.dims, desc.layout, nullptr, step.observers[i]->upper(),
                        signs);
  }
  if (shows) showValues(index, lane, values);
}

void Plan::poolValues(std::size_t index, std::size_t observer, const Lane& lane, const TensorView& values) {
  const Step& step = mProgram.steps[index];
  std::vector<double>& pooled = mTasks[index].pooled[observer];
  const std::size_t rows = pooled.size() / static_cast<std::size_t>(lane.parts);
  KernelRegistry::services(mProgram.backend)
      .poolValues(static_cast<const float*>(values.data), values.dims, values.layout, step.observers[observer]->pooling(),
                  pooled.data() + static_cast<std::size_t>(lane.part) * rows);
}

void Plan::showValues(std::size_t index, const Lane& lane, const TensorView& values) {
  Task& task = mTasks[index];
  std::unique_lock lock(mTurnMutex);
  mTurnChanged.wait(lock, [&] { return task.turn == lane.part || mError; });
  if (mError) return;
  for (const auto& observer : mProgram.steps[index].observers) {
    if (observer->request() == Observer::Request::Values) observer->observe(values);
  }
  ++task.turn;
  mTurnChanged.notify_all();
}

void Plan::deliver(std::size_t index, DimSize_t parts) {
  const Step& step = mProgram.steps[index];
  const std::size_t count = step.observers.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (step.observers[i]->request() == Observer::Request::PooledValues) {
      step.observers[i]->observe(PooledValues{mTasks[index].pooled[i], channelsOf(mProgram.values[step.inputs[0]].desc)});
    }
    if (step.observers[i]->request() != Observer::Request::SignSummary) continue;
    SignAccumulator total;
    for (std::size_t part = 0; part < static_cast<std::size_t>(parts); ++part) {
      const SignAccumulator& signs = mTasks[index].signs[part * count + (step.kind == StepKind::Observe ? i : 0)];
      total.negative += signs.negative;
      total.positive += signs.positive;
      total.active.resize(signs.active.size(), 0);
      for (std::size_t c = 0; c < signs.active.size(); ++c) total.active[c] |= signs.active[c];
    }
    step.observers[i]->observe(SignSummary{total.negative, total.positive, total.active});
  }
}

double Plan::macsOf(const Step& step) const {
  if (step.kind != StepKind::Kernel || !step.op) return 0.0;
  const auto infos = [&](std::span<const ValueId> ids) {
    std::vector<TensorInfo> result;
    for (const ValueId id : ids)
      result.push_back(id == kNoValue ? TensorInfo{.dims = {}, .missing = true}
                                      : TensorInfo{mProgram.values[id].desc.dims, mProgram.values[id].desc.dtype, nullptr});
    return result;
  };
  return step.op->macs(infos(step.inputs), infos(step.outputs));
}

Tensor Plan::tensorOf(ValueId id) const {
  const Value& root = mProgram.values[mProgram.root(id)];
  const Tensor& tensor = root.constant ? *root.constant : mTensors[mProgram.root(id)];
  return tensor.reshaped(mProgram.values[id].desc.dims);
}

void Plan::callHooks(const Step& step) {
  const Operator& op = *step.node->getOperator();
  const bool before = step.kind == StepKind::BeforeHooks;
  std::vector<std::pair<const TensorSlot*, TensorSlot::Value>> shown;
  for (IOIndex_t i = 0; i < step.inputs.size(); ++i) {
    const ValueId id = step.inputs[i];
    if (id == kNoValue || (before ? mProgram.values[id].constant.has_value() : op.isProducer())) continue;
    const auto& slot = before ? op.inputSlot(i) : op.outputSlot(i);
    const auto tensor = std::make_shared<const Tensor>(tensorOf(id));
    slot->set(tensor);
    shown.emplace_back(slot.get(), tensor);
  }
  const TensorSlot::Shown ownTensors(std::move(shown));
  const std::vector<Node::Hook> hooks = before ? step.node->beforeForwardHooks() : step.node->afterForwardHooks();
  for (const Node::Hook& hook : hooks) hook(*step.node);
}

std::vector<Tensor> Plan::exportResults(Results& kept) {
  std::vector<Tensor> results;
  for (const Export& entry : mProgram.exports) {
    const Value& root = mProgram.values[mProgram.root(entry.value)];
    Tensor tensor = tensorOf(entry.value);
    if (root.constant || root.graphInput) tensor = tensor.clone();
    if (!entry.node->getOperator()->isProducer()) kept.insert_or_assign(TensorRef{entry.node, entry.index}, tensor);
    if (entry.graphOutput) results.push_back(std::move(tensor));
  }
  return results;
}

PlanReport Plan::report(std::span<const double> seconds) const {
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
      entry.implementation = mTasks[s].kernel->implementation() + (step.counted.op ? "+signs" : "");
      report.weightBytes += mTasks[s].kernel->packedBytes();
    } else {
      entry.implementation = step.kind == StepKind::SignActivation ? "sign_activation"
                             : step.kind == StepKind::Observe      ? "observe"
                             : step.kind == StepKind::Kernel       ? "nothing"
                                                                   : "hooks";
    }
    while (mProgram.segments[segment].end <= s) ++segment;
    entry.parts = mProgram.segments[segment].parts;
    entry.seconds = (seconds.empty() ? 0.0 : seconds[s]) / lanesOf(mProgram.segments[segment]);
    entry.macs = macsOf(step);
    report.steps.push_back(std::move(entry));
  }
  return report;
}

}  // namespace Aidge::plan
