#include "StagedPlan.hpp"

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "aidge/core/Errors.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge::plan {

namespace {

/// Plans of a stage are kept for this many combinations of dims.
constexpr std::size_t kMaxPlans = 8;
/// A native operator that waits for a value gets those of at most this many elements; more is no shape, axis or size.
constexpr std::size_t kMaxElements = 1024;

bool sameValue(const TensorInfo& a, const TensorInfo& b) {
  if ((a.value == nullptr) != (b.value == nullptr)) return false;
  return a.value == nullptr || std::memcmp(a.value->rawData(), b.value->rawData(), a.value->bytes()) == 0;
}

bool sameInputs(const std::vector<TensorInfo>& a, const std::vector<TensorInfo>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const TensorInfo& one, const TensorInfo& other) {
    return one.dims == other.dims && one.dtype == other.dtype && sameValue(one, other);
  });
}

/// The tensors at the waiting node's inputs; undefined ones where nothing is connected.
template <typename Made> std::vector<Tensor> inputsOf(const GraphView& graph, const Node& node, std::span<const Tensor> graphInputs,
                                                      const Made& made) {
  std::vector<Tensor> tensors(node.nbInputs());
  for (IOIndex_t i = 0; i < node.nbInputs(); ++i) {
    const auto& [parent, index] = node.input(i);
    if (!parent) continue;
    if (parent->getOperator()->isProducer()) {
      tensors[i] = *parent->getOperator()->getOutput(0);
    } else if (const auto found = made.find({parent, index}); found != made.end()) {
      tensors[i] = found->second;
    }
  }
  for (std::size_t g = 0; g < graph.inputs().size(); ++g) {
    for (const auto& [target, index] : graph.inputs()[g].targets) {
      if (target.get() == &node) tensors[index] = graphInputs[g];
    }
  }
  return tensors;
}

}  // namespace

StagedPlan::StagedPlan(GraphView& graph, const std::vector<TensorInfo>& inputs, std::vector<NodePtr> keep, int threads)
    : mKeep(std::move(keep)), mThreads(threads), mFirst(std::make_shared<Part>()) {
  mFirst->inputs = inputs;
  plan(graph, *mFirst);
}

void StagedPlan::plan(GraphView& graph, Part& part) const {
  part.plan = std::make_unique<Plan>(graph, graph.backend(), part.inputs, mKeep, mThreads, part.stage);
  prepareWaiting(graph, part);
}

void StagedPlan::prepareWaiting(const GraphView& graph, Part& part) {
  const std::vector<NodePtr> nodes = graph.orderedNodes();
  if (part.stage.end == nodes.size()) return;
  part.waiting = nodes[part.stage.end];
  const auto begin = nodes.begin() + static_cast<std::ptrdiff_t>(part.stage.end);
  const std::set<NodePtr> later(begin, nodes.end());
  std::set<TensorRef> seen;
  const auto need = [&](const NodePtr& parent, IOIndex_t index) {
    if (seen.insert({parent, index}).second) part.needed.push_back({parent, index});
  };
  for (const NodePtr& reader : later) {
    for (IOIndex_t i = 0; i < reader->nbInputs(); ++i) {
      const auto& [parent, index] = reader->input(i);
      if (parent && graph.contains(parent) && !later.contains(parent) && !parent->getOperator()->isProducer()) need(parent, index);
    }
  }
  std::sort(part.needed.begin(), part.needed.end(), [&](const TensorRef& a, const TensorRef& b) {
    const auto place = [&](const TensorRef& slot) { return std::pair(std::find(nodes.begin(), nodes.end(), slot.node), slot.index); };
    return place(a) < place(b);
  });
  if (!part.waiting->getOperator()->isGeneric()) return;
  for (IOIndex_t i = 0; i < part.waiting->nbOutputs(); ++i) need(part.waiting, i);
}

void StagedPlan::runWaiting(const GraphView& graph, Part& part, std::span<const Tensor> graphInputs, Made& made) {
  const NodePtr& waiting = part.waiting;
  if (!waiting->getOperator()->isGeneric()) return;
  std::vector<Tensor> inputs = inputsOf(graph, *waiting, graphInputs, made);
  if (!part.kernel) {
    std::vector<TensorInfo> infos;
    for (IOIndex_t i = 0; i < inputs.size(); ++i) {
      const NodePtr& parent = waiting->input(i).node;
      const bool constant = parent && parent->getOperator()->isProducer();
      infos.push_back({inputs[i].dims(), inputs[i].dataType(), constant ? parent->getOperator()->getOutput(0) : nullptr});
    }
    part.kernel = genericProvider()->create(*waiting->getOperator(), infos);
  }
  std::vector<Tensor> outputs = part.kernel->run(inputs);
  if (outputs.size() != waiting->nbOutputs())
    throwExpected("scheduler::forward", std::to_string(waiting->nbOutputs()) + " outputs of " + waiting->describe(),
                  std::to_string(outputs.size()));
  for (IOIndex_t i = 0; i < outputs.size(); ++i) made[{waiting, i}] = std::move(outputs[i]);
}

std::shared_ptr<StagedPlan::Part> StagedPlan::nextStage(GraphView& graph, Part& part, const Made& made, std::vector<Tensor>& fed) const {
  std::vector<TensorInfo> infos(part.inputs.begin(), part.inputs.begin() + static_cast<std::ptrdiff_t>(graph.inputs().size()));
  std::set<TensorRef> asked;  // by a native node that cannot be planned without values
  if (!part.waiting->getOperator()->isGeneric()) {
    for (IOIndex_t i = 0; i < part.waiting->nbInputs(); ++i) asked.insert(part.waiting->input(i));
  }
  for (const TensorRef& slot : part.needed) {
    const Tensor& tensor = made.at(slot);
    const bool maybeShape = tensor.size() <= kMaxElements && (tensor.dataType() != DataType::Float32 || tensor.dims().size() <= 1);
    const bool isValue = asked.contains(slot) && maybeShape;
    infos.push_back({tensor.dims(), tensor.dataType(), isValue ? std::make_shared<const Tensor>(tensor) : nullptr});
    fed.push_back(tensor);
  }
  const auto found = std::find_if(part.next.begin(), part.next.end(), [&](const auto& entry) { return sameInputs(entry->inputs, infos); });
  if (found != part.next.end()) {
    part.next.splice(part.next.begin(), part.next, found);
    return part.next.front();
  }
  const auto next = std::make_shared<Part>();
  next->inputs = std::move(infos);
  next->stage.first = part.stage.end;
  next->stage.hasWaited = true;
  next->stage.given = part.needed;
  plan(graph, *next);
  if (part.next.size() >= kMaxPlans) part.next.pop_back();
  part.next.push_front(next);
  return next;
}

std::vector<Tensor> StagedPlan::run(GraphView& graph, std::span<const Tensor> inputs, AlignedBuffer& arena, bool profiling, Trace& trace) {
  std::vector<Tensor> outputs(graph.outputs().size());
  Made made;
  std::vector<Tensor> fed(inputs.begin(), inputs.end());
  trace.parts.clear();
  Results left;
  for (std::shared_ptr<Part> part = mFirst;; part = nextStage(graph, *part, made, fed)) {
    trace.parts.push_back(part);
    if (arena.bytes() < part->plan->arenaBytes()) {
      arena = {};
      arena = AlignedBuffer(part->plan->arenaBytes());
    }
    std::span<double> seconds;
    if (profiling) {
      std::vector<double>& kept = trace.seconds[part];
      kept.resize(part->plan->nbSteps(), 0.0);
      seconds = kept;
    }
    const std::vector<Tensor> results = part->plan->run(fed, arena.data(), seconds, left);
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (const auto& graphOutput = part->stage.graphOutputs[i]) {
        outputs[*graphOutput] = results[i];
      } else {
        made[part->stage.results[i]] = results[i];
      }
    }
    if (!part->waiting) {
      trace.results = std::move(left);
      return outputs;
    }
    runWaiting(graph, *part, inputs, made);
    fed.resize(inputs.size());
  }
}

PlanReport StagedPlan::report(const Trace& trace) {
  PlanReport total;
  for (const auto& part : trace.parts) {
    const auto seconds = trace.seconds.find(part);
    PlanReport own = part->plan->report(seconds == trace.seconds.end() ? std::span<const double>{} : seconds->second);
    std::move(own.steps.begin(), own.steps.end(), std::back_inserter(total.steps));
    total.arenaBytes = std::max(total.arenaBytes, own.arenaBytes);
    total.weightBytes += own.weightBytes;
    if (!part->waiting || !part->waiting->getOperator()->isGeneric()) continue;
    StepReport step;
    step.node = part->waiting->name();
    step.type = part->waiting->type();
    step.implementation = "generic";
    total.steps.push_back(std::move(step));
  }
  return total;
}

}  // namespace Aidge::plan
