#include "ChannelAnalysis.hpp"

#include <algorithm>

#include "../layers/Layers.hpp"
#include "ChannelRules.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/scheduler/Inference.hpp"

namespace Aidge::detail {

// --- cuts -----------------------------------------------------------------------------------------------------------

std::vector<std::int64_t> ChannelCut::kept(const LabelGrid& grid, DimIdx_t axis, DimSize_t extent) const {
  // A cut along another axis leaves something of each index of this one.
  const std::size_t inner = elementCount(Dims(grid.extents.begin() + static_cast<std::ptrdiff_t>(axis) + 1, grid.extents.end()));
  const auto repeats = static_cast<std::size_t>(grid.extents[axis]);
  std::vector<bool> stays(repeats, false);
  for (std::size_t i = 0; i < grid.labels.size(); ++i) {
    if (!isGone(grid.labels[i])) stays[i / inner % repeats] = true;
  }
  std::vector<std::int64_t> places;
  for (DimSize_t i = 0; i < extent; ++i) {
    if (stays[repeats == 1 ? 0 : static_cast<std::size_t>(i)]) places.push_back(i);
  }
  return places;
}

Dims ChannelCut::dims(const LabelGrid& grid, const Dims& before) const {
  Dims result = before;
  for (const DimIdx_t axis : varyingAxes(*mAtoms, grid)) result[axis] = static_cast<DimSize_t>(kept(grid, axis, before[axis]).size());
  return result;
}

bool ChannelCut::leavesSome(const LabelGrid& grid, const Dims& before) const {
  if (std::none_of(grid.labels.begin(), grid.labels.end(), [this](Label label) { return isGone(label); })) return true;
  const auto axes = varyingAxes(*mAtoms, grid);
  return axes.size() == 1 && !kept(grid, axes[0], before[axes[0]]).empty();
}

// --- analysis -------------------------------------------------------------------------------------------------------

namespace {

/// The dims that are asked for, whatever the graph declares: a layer that cannot take them says so.
std::vector<TensorInfo> fedInfos(const GraphView& graph, const std::vector<Dims>& dims) {
  std::vector<TensorInfo> infos;
  for (std::size_t i = 0; i < dims.size(); ++i) infos.push_back({dims[i], graph.inputs()[i].dtype, nullptr});
  return infos;
}

}  // namespace

ChannelAnalysis::ChannelAnalysis(const char* where, const GraphView& graph, const std::vector<Dims>& dims)
    : mWhere(where), mInputDims(fixedInputDims(where, graph, dims)), mShapes(graph, fedInfos(graph, mInputDims), kernelInference()) {
  feedInputs(graph);
  for (const NodePtr& node : graph.orderedNodes()) {
    if (!node->getOperator()->isProducer()) follow(node, valuesAt(graph, node));
  }
  fixOutputs(graph);
  makeCutsStraight();
  tieConstants(graph);
  settleNumbers(graph);
}

void ChannelAnalysis::feedInputs(const GraphView& graph) {
  mConstantLabel = atoms.fixedLabel("a constant");
  for (std::size_t i = 0; i < graph.inputs().size(); ++i) {
    const GraphInput& input = graph.inputs()[i];
    const Label label = atoms.fixedLabel("the graph input \"" + input.name + "\"");
    for (const auto& [node, index] : input.targets) {
      Value& value = mFed[{node, index}];
      value.dims = mInputDims[i];
      value.grid = LabelGrid::uniform(mInputDims[i].size(), label);
    }
  }
}

std::vector<ChannelAnalysis::Value> ChannelAnalysis::valuesAt(const GraphView& graph, const NodePtr& node) const {
  std::vector<Value> values(node->nbInputs());
  for (IOIndex_t i = 0; i < node->nbInputs(); ++i) {
    const auto& [parent, output] = node->input(i);
    Value& value = values[i];
    if (const auto fed = mFed.find({node, i}); fed != mFed.end()) {
      value = fed->second;
    } else if (!graph.contains(parent)) {
      continue;  // an optional input without a value
    } else if (parent->getOperator()->isProducer()) {
      const auto tensor = parent->getOperator()->getOutput(0);
      value.dims = tensor->dims();
      value.grid = LabelGrid::uniform(tensor->nbDims(), mConstantLabel);
      value.isConstant = true;
    } else if (const auto found = mIndex.find({parent, output}); found != mIndex.end()) {
      value.dims = tensors[found->second].dims;
      value.grid = tensors[found->second].grid;
      if (const auto counts = mCounts.find({parent, output}); counts != mCounts.end()) value.counts = counts->second;
    }
  }
  return values;
}

void ChannelAnalysis::addTensor(const NodePtr& node, IOIndex_t output, Dims dims, LabelGrid grid) {
  mIndex[{node, output}] = tensors.size();
  tensors.push_back({node, output, std::move(dims), std::move(grid)});
}

void ChannelAnalysis::follow(const NodePtr& node, const std::vector<Value>& inputs) {
  if (followNumbers(node, inputs)) return;
  std::vector<RuleInput> data;
  for (IOIndex_t i = 0; i < inputs.size(); ++i) {
    const bool isPresent = node->getParent(i) != nullptr || mFed.contains({node, i});
    data.push_back({inputs[i].dims, inputs[i].grid, isPresent, inputs[i].isConstant, inputs[i].counts});
  }
  const std::vector<TensorInfo>* results = mShapes.find(node.get());
  std::vector<Dims> dims;
  if (results != nullptr) {
    for (const TensorInfo& info : *results) dims.push_back(info.dims);
  }
  RuleScope scope(*this, node, std::move(data), dims);
  const bool isEmpty = std::any_of(dims.begin(), dims.end(), [](const Dims& extents) { return elementCount(extents) == 0; });
  const Rule rule = results != nullptr && !isEmpty ? findRule(node->getOperator()->traits().channels.rule) : nullptr;
  if (rule != nullptr) {
    rule(scope);
  } else {
    scope.fixAll("whose channels cannot be followed");
  }
  keepNumbers(node, inputs, scope.followed());
  if (results == nullptr) {
    mUncounted += layers::countsMacs(*node->getOperator()) ? 1 : 0;
    return;
  }
  mMacs += node->getOperator()->macs(*mShapes.inputsOf(node.get()), *results);
  for (IOIndex_t i = 0; i < results->size(); ++i) addTensor(node, i, dims[i], scope.results[i]);
}

void ChannelAnalysis::fixOutputs(const GraphView& graph) {
  for (const GraphOutput& output : graph.outputs()) {
    const LabelledTensor* tensor = find({output.node, output.index});
    if (tensor == nullptr) continue;
    for (const Label label : tensor->grid.labels) atoms.fix(label, "is the graph output \"" + output.name + "\"");
  }
}

void ChannelAnalysis::makeCutsStraight() {
  bool changed = true;
  while (changed) {
    changed = false;
    for (const LabelledTensor& tensor : tensors) {
      auto axes = varyingAxes(atoms, tensor.grid);
      if (axes.size() < 2) continue;
      // The batch is no axis to cut; else the longest one keeps the most freedom.
      const auto longest = std::max_element(
          axes.begin(), axes.end(), [&](DimIdx_t a, DimIdx_t b) { return (a == 0 ? 0 : tensor.dims[a]) < (b == 0 ? 0 : tensor.dims[b]); });
      LabelGrid grid = tensor.grid;
      for (const DimIdx_t axis : axes) {
        if (axis != *longest) grid = united(atoms, grid, axis, tensor.node->describe());
      }
      changed = true;
    }
  }
}

const LabelledTensor* ChannelAnalysis::find(const TensorRef& tensor) const {
  const auto found = mIndex.find(tensor);
  return found == mIndex.end() ? nullptr : &tensors[found->second];
}

}  // namespace Aidge::detail
