#include "FusionMeasure.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <unordered_map>

#include "aidge/core/Errors.hpp"
#include "aidge/operator/Operator.hpp"
#include "aidge/scheduler/SequentialScheduler.hpp"

namespace Aidge::detail {

namespace {

constexpr std::size_t kWarmUp = 2;
constexpr double kAnyValue = 0.5;

/// Largest difference and largest value so far.
struct Difference {
  double worst = 0.0;
  double largest = 0.0;

  void add(const Tensor& expected, const Tensor& got) {
    const auto a = expected.toDoubles();
    const auto b = got.toDoubles();
    for (std::size_t i = 0; i < a.size(); ++i) {
      worst = std::max(worst, std::abs(a[i] - b[i]));
      largest = std::max(largest, std::abs(a[i]));
    }
  }
  [[nodiscard]] double relative() const { return worst == 0.0 ? 0.0 : worst / largest; }
};

/// Copies of the nodes and of the producers that feed them, wired as they are.
GraphViewPtr copied(const std::vector<NodePtr>& nodes, const std::vector<TensorRef>& heads, const Dims& input) {
  std::unordered_map<const Node*, NodePtr> copies;
  const auto graph = GraphView::create();
  for (const NodePtr& node : nodes) copies.emplace(node.get(), node->clone());
  for (const NodePtr& node : nodes) {
    const NodePtr copy = copies.at(node.get());
    for (IOIndex_t i = 0; i < node->nbInputs(); ++i) {
      const auto& [parent, index] = node->input(i);
      if (!parent) continue;
      auto found = copies.find(parent.get());
      if (found == copies.end() && parent->getOperator()->isProducer()) found = copies.emplace(parent.get(), parent->clone()).first;
      if (found != copies.end()) copy->setInput(i, found->second, index);
    }
  }
  for (const NodePtr& node : nodes) graph->add(copies.at(node.get()));
  GraphInput entry{"x", input, true, DataType::Float32, {}};
  for (const auto& [node, index] : heads) entry.targets.push_back({copies.at(node.get()), index});
  graph->setInputs({std::move(entry)});
  return graph;
}

}  // namespace

double LatencyMeter::run(const GraphViewPtr& compiled, const std::vector<Dims>& dims) const {
  std::vector<Tensor> inputs;
  for (std::size_t i = 0; i < dims.size(); ++i) inputs.push_back(Tensor::full(dims[i], kAnyValue, compiled->inputs()[i].dtype));
  SequentialScheduler scheduler(compiled);
  std::vector<double> seconds;
  for (std::size_t i = 0; i < kWarmUp + mRepeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    scheduler.forward(inputs);
    if (i >= kWarmUp) seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
  std::nth_element(seconds.begin(), middle, seconds.end());
  return *middle;
}

std::optional<double> LatencyMeter::graph(const GraphView& graph, const std::vector<Dims>& dims) const {
  if (!isOn()) return std::nullopt;
  const GraphViewPtr copy = graph.clone();
  try {
    copy->compile(mBackend, DataType::Float32, dims);
  } catch (const UnsupportedError&) {
    return std::nullopt;
  }
  return run(copy, dims);
}

std::optional<double> LatencyMeter::nodes(const std::vector<NodePtr>& nodes, const std::vector<TensorRef>& heads, const Dims& input) const {
  if (!isOn()) return std::nullopt;
  const GraphViewPtr copy = copied(nodes, heads, input);
  copy->compile(mBackend, DataType::Float32, {input});
  return run(copy, {input});
}

MeasuredErrors measureErrors(const GraphViewPtr& before, const GraphViewPtr& after, const std::vector<std::pair<NodePtr, NodePtr>>& nodes,
                             DataProvider& data) {
  SequentialScheduler first(before);
  SequentialScheduler second(after);
  std::vector<NodePtr> ours;
  std::vector<NodePtr> theirs;
  for (const auto& [old, merged] : nodes) {
    ours.push_back(old);
    theirs.push_back(merged);
  }
  first.keepOutputs(ours);
  second.keepOutputs(theirs);
  std::vector<Difference> outputs(before->outputs().size());
  std::vector<Difference> inner(nodes.size());
  data.reset();
  bool any = false;
  while (const auto batch = data.next()) {
    any = true;
    const auto expected = first.forward(*batch);
    const auto got = second.forward(*batch);
    for (std::size_t i = 0; i < expected.size(); ++i) outputs[i].add(expected[i], got[i]);
    for (std::size_t i = 0; i < nodes.size(); ++i)
      inner[i].add(*ours[i]->getOperator()->getOutput(0), *theirs[i]->getOperator()->getOutput(0));
  }
  if (!any) throwExpected("recipes::fuseConvolution", "data to measure the error on", "an empty provider");
  MeasuredErrors errors;
  for (const Difference& difference : outputs) errors.outputs = std::max(errors.outputs, difference.relative());
  for (const Difference& difference : inner) errors.nodes.push_back(difference.relative());
  return errors;
}

}  // namespace Aidge::detail
