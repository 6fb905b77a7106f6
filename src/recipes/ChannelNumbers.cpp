// Numbers that nodes calculate from dims: which nodes do, and what the others need of them.
#include <algorithm>
#include <numeric>

#include "ChannelAnalysis.hpp"

namespace Aidge::detail {

bool ChannelAnalysis::followNumbers(const NodePtr& node, const std::vector<Value>& inputs) {
  const std::vector<TensorInfo>* results = mShapes.find(node.get());
  if (results == nullptr) return false;
  const auto isKnown = [](const TensorInfo& info) { return info.value != nullptr; };
  if (!std::all_of(results->begin(), results->end(), isKnown)) return false;
  CountTracer tracer(atoms, demands);
  std::vector<Counts> outputs;
  if (node->getOperator()->role() == Role::DimsQuery) {
    outputs.push_back(tracer.dimsOf(*node->getOperator(), inputs[0].grid, inputs[0].dims, results->front()));
  } else {
    // A constant that is repeated or picked from by numbers is data.
    std::vector<IOIndex_t> moving = movedInputs(*node->getOperator(), inputs.size());
    if (moving.empty()) {
      moving.resize(inputs.size());
      std::iota(moving.begin(), moving.end(), IOIndex_t{0});
    }
    const auto isFollowed = [&](IOIndex_t input) { return !inputs[input].counts.empty(); };
    if (std::none_of(moving.begin(), moving.end(), isFollowed)) return false;
    std::vector<Counts> literals(inputs.size());
    std::vector<const Counts*> counts(inputs.size(), nullptr);
    for (IOIndex_t i = 0; i < inputs.size(); ++i) {
      mCounted.insert({node, i});
      if (inputs[i].isConstant) literals[i] = literalCounts(node->getParent(i));
      const Counts& own = inputs[i].isConstant ? literals[i] : inputs[i].counts;
      if (!own.empty()) counts[i] = &own;
    }
    outputs = tracer.follow(node, counts, *mShapes.inputsOf(node.get()), *results);
  }
  const Label label = atoms.fixedLabel("a number that " + node->describe() + " calculates from dims");
  for (IOIndex_t i = 0; i < outputs.size(); ++i) {
    addTensor(node, i, (*results)[i].dims, LabelGrid::uniform((*results)[i].dims.size(), label));
    mCounts[{node, i}] = std::move(outputs[i]);
  }
  return true;
}

void ChannelAnalysis::keepNumbers(const NodePtr& node, const std::vector<Value>& inputs, const std::set<IOIndex_t>& followed) {
  for (IOIndex_t i = 0; i < inputs.size(); ++i) {
    if (followed.contains(i)) {
      mCounted.insert({node, i});
      continue;
    }
    for (const Count& count : inputs[i].counts) {
      if (count.literal || !count.terms.empty()) demands.push_back({count, {}, node->describe(), false});
    }
  }
}

void ChannelAnalysis::settleNumbers(const GraphView& graph) {
  for (const GraphOutput& output : graph.outputs()) {
    const auto counts = mCounts.find({output.node, output.index});
    if (counts == mCounts.end()) continue;
    for (const Count& count : counts->second) demands.push_back({count, {}, "the graph output \"" + output.name + "\"", false});
  }
  const auto isCounted = [&](const NodePtr& constant) {
    const auto& outputs = graph.outputs();
    if (std::any_of(outputs.begin(), outputs.end(), [&](const GraphOutput& output) { return output.node == constant; })) return false;
    const auto& readers = constant->output(0);
    return std::all_of(readers.begin(), readers.end(), [&](const TensorRef& reader) { return mCounted.contains(reader); });
  };
  literalEdits = settle(atoms, demands, isCounted);
  demands.clear();
}

}  // namespace Aidge::detail
