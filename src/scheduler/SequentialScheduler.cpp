#include "aidge/scheduler/SequentialScheduler.hpp"

#include <mutex>
#include <optional>
#include <utility>

#include "PlanPool.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge {

namespace {

constexpr std::string_view kWhere = "scheduler::forward";

std::string describe(const Tensor& tensor) {
  return std::string(toString(tensor.dataType())) + " " + toString(tensor.dims()) + (tensor.hasData() ? "" : " without data");
}

/// Batches of any size fit; the other declared dims are binding.
bool fits(const GraphInput& input, const Tensor& tensor) {
  if (!tensor.hasData() || tensor.dataType() != input.dtype) return false;
  if (!input.hasDims) return true;
  if (tensor.dims().size() != input.dims.size()) return false;
  for (std::size_t d = 1; d < input.dims.size(); ++d) {
    if (input.dims[d] != kDynamicDim && input.dims[d] != tensor.dims()[d]) return false;
  }
  return true;
}

/// "data[0] for the graph input "x" to be/to have …".
std::string entryText(const GraphInput& input, std::size_t index, const std::string& wanted) {
  std::string text = "data[";
  text.append(std::to_string(index)).append("] for the graph input \"").append(input.name).append("\" to ").append(wanted);
  return text;
}

void checkInput(const GraphInput& input, std::size_t index, const Tensor& tensor) {
  if (!fits(input, tensor)) {
    Dims expected = input.dims;
    if (!expected.empty()) expected[0] = kDynamicDim;
    std::string wanted = "be ";
    wanted.append(toString(input.dtype));
    if (input.hasDims) wanted.append(" ").append(toString(expected));
    throwExpected(kWhere, entryText(input, index, wanted), describe(tensor));
  }
}

}  // namespace

struct SequentialScheduler::Impl {
  GraphViewPtr graph;
  std::vector<NodePtr> keep;
  bool profiling = false;
  std::shared_ptr<plan::PlanPool> pool;
  std::shared_ptr<plan::StagedPlan> last;
  plan::StagedPlan::Trace trace;  ///< of the run of `last`
  plan::AlignedBuffer arena;
  std::vector<Tensor> lastData;
  std::recursive_mutex mutex;
  bool running = false;

  /// The tensors to run with: those given, else those of the last run, else those in the operators.
  std::vector<Tensor> gatherInputs(std::span<const Tensor> data) const {
    const std::vector<GraphInput>& inputs = graph->inputs();
    std::vector<Tensor> tensors(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(std::min(data.size(), inputs.size())));
    if (data.empty()) {
      tensors = lastData;
      if (tensors.size() != inputs.size()) tensors = operatorInputs();
    }
    if (tensors.size() < inputs.size()) {
      std::string names;
      for (const GraphInput& input : inputs) names += (names.empty() ? "\"" : ", \"") + input.name + "\"";
      throwExpected(kWhere, std::to_string(inputs.size()) + " tensors, one a graph input (" + names + ")", std::to_string(tensors.size()));
    }
    for (std::size_t i = 0; i < tensors.size(); ++i) checkInput(inputs[i], i, tensors[i]);
    return tensors;
  }

  std::vector<Tensor> operatorInputs() const {
    std::vector<Tensor> tensors;
    for (const GraphInput& input : graph->inputs()) {
      const auto& [node, index] = input.targets.front();
      const auto tensor = node->getOperator()->getInput(index);
      if (!tensor || !tensor->hasData()) return {};
      tensors.push_back(*tensor);
    }
    return tensors;
  }

  [[nodiscard]] std::unique_ptr<plan::PlanLease> planFor(const std::vector<Tensor>& inputs, int threads) const {
    const BackendServices& services = KernelRegistry::services(graph->backend());
    plan::PlanKey key{.dims = {}, .keep = keep, .threads = threads, .options = services.options ? services.options() : 0};
    std::vector<TensorInfo> infos;
    for (const Tensor& input : inputs) {
      key.dims.push_back(input.dims());
      infos.push_back({input.dims(), input.dataType(), nullptr});
    }
    return pool->take(*graph, key, infos);
  }
};

SequentialScheduler::SequentialScheduler(GraphViewPtr graph) : mImpl(std::make_unique<Impl>()) {
  if (!graph) throwExpected("scheduler::SequentialScheduler", "a graph", "none");
  if (graph->backend().empty()) throwExpected("scheduler::SequentialScheduler", "a graph with a backend (call compile first)", "none");
  mImpl->pool = plan::PlanPool::of(*graph);
  mImpl->graph = std::move(graph);
}

SequentialScheduler::~SequentialScheduler() = default;
SequentialScheduler::SequentialScheduler(SequentialScheduler&&) noexcept = default;
SequentialScheduler& SequentialScheduler::operator=(SequentialScheduler&&) noexcept = default;

std::vector<Tensor> SequentialScheduler::forward(std::span<const Tensor> data) {
  const std::lock_guard lock(mImpl->mutex);
  if (mImpl->running) throwInvalid(kWhere, "a hook or an observer called forward of the scheduler that is just calling it");
  std::vector<Tensor> inputs = mImpl->gatherInputs(data);
  const BackendServices& services = KernelRegistry::services(mImpl->graph->backend());
  const ThreadScope scope = services.enterThread ? services.enterThread() : ThreadScope{};
  const std::unique_ptr<plan::PlanLease> lease = mImpl->planFor(inputs, scope.threads);
  const std::shared_ptr<plan::StagedPlan>& plan = lease->plan();
  if (mImpl->last != plan) mImpl->trace = {};
  mImpl->last = plan;
  struct Running {
    bool& flag;
    explicit Running(bool& f) : flag(f) { flag = true; }
    ~Running() { flag = false; }
  } running(mImpl->running);
  std::vector<Tensor> results = plan->run(*mImpl->graph, inputs, mImpl->arena, mImpl->profiling, mImpl->trace);
  mImpl->lastData = std::move(inputs);
  for (const auto& [place, tensor] : mImpl->trace.results) place.node->getOperator()->outputSlot(place.index)->set(tensor);
  return results;
}

Tensor SequentialScheduler::output(const NodePtr& node, IOIndex_t index) const {
  if (!node) throwExpected("scheduler::output", "a node", "none");
  const std::lock_guard lock(mImpl->mutex);
  const auto found = mImpl->trace.results.find({node, index});
  if (found == mImpl->trace.results.end())
    throwExpected("scheduler::output", "a graph output or an output that is kept (keepOutputs), after a forward",
                  "output " + std::to_string(index) + " of " + node->describe());
  return found->second;
}

void SequentialScheduler::keepOutputs(std::vector<NodePtr> nodes) {
  const std::lock_guard lock(mImpl->mutex);
  mImpl->keep = std::move(nodes);
}

void SequentialScheduler::setProfiling(bool on) {
  const std::lock_guard lock(mImpl->mutex);
  mImpl->profiling = on;
}

const GraphViewPtr& SequentialScheduler::graph() const noexcept { return mImpl->graph; }

PlanReport SequentialScheduler::report() const {
  const std::lock_guard lock(mImpl->mutex);
  return plan::StagedPlan::report(mImpl->trace);
}

}  // namespace Aidge
