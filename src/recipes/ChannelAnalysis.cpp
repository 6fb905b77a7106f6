#include "ChannelAnalysis.hpp"

#include <algorithm>

#include "ChannelRules.hpp"
#include "aidge/core/Errors.hpp"

namespace Aidge::detail {

// --- cuts -----------------------------------------------------------------------------------------------------------

std::vector<std::int64_t> ChannelCut::kept(const LabelGrid& grid, DimIdx_t axis, DimSize_t extent) const {
  const auto labels = labelsAlong(grid, axis, extent);
  std::vector<std::int64_t> places;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (!isGone(labels[i])) places.push_back(static_cast<std::int64_t>(i));
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

std::vector<Dims> resolveDims(const char* where, const GraphView& graph, const std::vector<Dims>& given) {
  const auto& inputs = graph.inputs();
  std::vector<Dims> result = given.empty() && graph.isCompiled() ? graph.compiledDims() : given;
  const bool declared = result.empty();
  if (!declared && result.size() != inputs.size())
    throwExpected(where, "dims for " + std::to_string(inputs.size()) + " graph inputs", std::to_string(result.size()));
  for (std::size_t i = 0; declared && i < inputs.size(); ++i) {
    Dims dims = inputs[i].dims;
    if (!dims.empty() && dims[0] == kDynamicDim) dims[0] = 1;
    if (!inputs[i].hasDims || std::find(dims.begin(), dims.end(), kDynamicDim) != dims.end()) {
      throwExpected(where, "dims for the graph input \"" + inputs[i].name + "\", which leaves axes open (compile, or `dims`)", "none");
    }
    result.push_back(std::move(dims));
  }
  for (const Dims& dims : result) static_cast<void>(elementCount(dims));
  return result;
}

}  // namespace

ChannelAnalysis::ChannelAnalysis(const char* where, const GraphView& graph, const std::vector<Dims>& dims)
    : mWhere(where), mInputDims(resolveDims(where, graph, dims)) {
  feedInputs(graph);
  for (const NodePtr& node : graph.orderedNodes()) {
    if (!node->getOperator()->isProducer()) follow(node, valuesAt(graph, node));
  }
  fixOutputs(graph);
  makeCutsStraight();
}

void ChannelAnalysis::feedInputs(const GraphView& graph) {
  mConstantLabel = atoms.fixedLabel("a constant");
  for (std::size_t i = 0; i < graph.inputs().size(); ++i) {
    const GraphInput& input = graph.inputs()[i];
    const Label label = atoms.fixedLabel("the graph input \"" + input.name + "\"");
    for (const auto& [node, index] : input.targets) {
      Value& value = mFed[{node.get(), index}];
      value.info.dims = mInputDims[i];
      value.info.dtype = input.dtype;
      value.grid = LabelGrid::uniform(mInputDims[i].size(), label);
      value.isKnown = true;
    }
  }
}

std::vector<ChannelAnalysis::Value> ChannelAnalysis::valuesAt(const GraphView& graph, const NodePtr& node) const {
  std::vector<Value> values(node->nbInputs());
  for (IOIndex_t i = 0; i < node->nbInputs(); ++i) {
    const auto& [parent, output] = node->input(i);
    Value& value = values[i];
    if (const auto fed = mFed.find({node.get(), i}); fed != mFed.end()) {
      value = fed->second;
    } else if (!graph.contains(parent)) {
      value.isKnown = true;  // an optional input without a value
      value.info.missing = true;
    } else if (parent->getOperator()->isProducer()) {
      const TensorPtr& tensor = parent->getOperator()->getOutput(0);
      value.info.dims = tensor->dims();
      value.info.dtype = tensor->dataType();
      value.info.value = tensor->hasData() ? tensor : nullptr;
      value.grid = LabelGrid::uniform(tensor->nbDims(), mConstantLabel);
      value.isKnown = value.isConstant = true;
    } else if (const auto found = mIndex.find({parent.get(), output}); found != mIndex.end()) {
      value.info = mInfos.at({parent.get(), output});
      value.grid = tensors[found->second].grid;
      value.isKnown = true;
    }
  }
  return values;
}

void ChannelAnalysis::follow(const NodePtr& node, const std::vector<Value>& inputs) {
  std::vector<RuleInput> data;
  std::vector<TensorInfo> infos;
  bool isKnown = true;
  for (IOIndex_t i = 0; i < inputs.size(); ++i) {
    const Value& value = inputs[i];
    isKnown = isKnown && value.isKnown;
    const bool isPresent = node->getParent(i) != nullptr || mFed.count({node.get(), i}) != 0;
    data.push_back({value.info.dims, value.grid, isPresent, value.isConstant});
    infos.push_back(value.info);
  }
  std::vector<TensorInfo> results;
  try {
    if (isKnown) results = node->getOperator()->infer(infos);
  } catch (const UnsupportedError&) {
    isKnown = false;
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(std::string(error.what()) + " at node " + node->describe());
  }
  std::vector<Dims> dims;
  for (const TensorInfo& info : results) dims.push_back(info.dims);
  RuleScope scope(*this, node, std::move(data), dims);
  const bool isEmpty = std::any_of(dims.begin(), dims.end(), [](const Dims& extents) { return elementCount(extents) == 0; });
  const Rule rule = isKnown && !isEmpty ? findRule(node->getOperator()->traits().channels.rule) : nullptr;
  if (rule != nullptr) {
    rule(scope);
  } else {
    scope.fixAll("whose channels cannot be followed");
  }
  if (!isKnown) return;
  mMacs += node->getOperator()->macs(infos, results);
  for (IOIndex_t i = 0; i < results.size(); ++i) {
    mIndex[{node.get(), i}] = tensors.size();
    mInfos[{node.get(), i}] = results[i];
    tensors.push_back({node, i, results[i].dims, scope.results[i]});
  }
}

void ChannelAnalysis::fixOutputs(const GraphView& graph) {
  for (const GraphOutput& output : graph.outputs()) {
    const LabelledTensor* tensor = find(output.node.get(), output.index);
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

const LabelledTensor* ChannelAnalysis::find(const Node* node, IOIndex_t output) const {
  const auto found = mIndex.find({node, output});
  return found == mIndex.end() ? nullptr : &tensors[found->second];
}

}  // namespace Aidge::detail
