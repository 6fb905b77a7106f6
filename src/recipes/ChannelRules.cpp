#include "ChannelRules.hpp"

namespace Aidge::detail {

void RuleScope::flatten(IOIndex_t input, DimIdx_t axis) {
  RuleInput& data = inputs[input];
  data.grid = united(atoms(), data.grid, axis, mNode->describe());
}

std::vector<Label> RuleScope::along(IOIndex_t input, DimIdx_t axis) {
  for (DimIdx_t other = 0; other < inputs[input].dims.size(); ++other) {
    if (other != axis) flatten(input, other);
  }
  return labelsAlong(inputs[input].grid, axis, inputs[input].dims[axis]);
}

void RuleScope::fix(IOIndex_t input, const std::string& reason) {
  for (const Label label : inputs[input].grid.labels) atoms().fix(label, reason);
}

void RuleScope::fixAll(const std::string& why) {
  for (IOIndex_t i = 0; i < inputs.size(); ++i) {
    if (has(i)) fix(i, "feeds " + mNode->describe() + ", " + why);
  }
  results.clear();
  const Label label = atoms().fixedLabel("an output of " + mNode->describe() + ", " + why);
  for (const Dims& dims : outputs) results.push_back(LabelGrid::uniform(dims.size(), label));
}

void RuleScope::cutConstant(IOIndex_t input, std::vector<LabelGrid> cuts) {
  mAnalysis.constants.push_back({mNode, input, std::move(cuts)});
}

void RuleScope::cutConstant(IOIndex_t input, DimIdx_t axis, std::vector<Label> labels) {
  cutConstant(input, {LabelGrid::along(inputs[input].dims.size(), axis, std::move(labels))});
}

void RuleScope::edit(std::string attribute, std::function<EditedValue(const ChannelCut&)> value) {
  mAnalysis.edits.push_back({mNode, std::move(attribute), std::move(value)});
}

std::vector<Label> RuleScope::addSource(std::size_t channels) {
  const Label first = atoms().make(channels);
  mAnalysis.sources.push_back({mNode, first, channels});
  std::vector<Label> labels(channels);
  for (std::size_t i = 0; i < channels; ++i) labels[i] = first + static_cast<Label>(i);
  return labels;
}

void RuleScope::addUse(IOIndex_t input, std::vector<Label> labels) { mAnalysis.uses.push_back({mNode, input, std::move(labels)}); }

void RuleScope::give(DimIdx_t axis, std::vector<Label> labels) { results = {LabelGrid::along(outputs[0].size(), axis, std::move(labels))}; }

namespace {

void refuse(RuleScope& scope) { scope.fixAll(scope.op().traits().channels.refusal); }

}  // namespace

Rule findRule(ChannelRule rule) {
  if (rule == ChannelRule::Refused) return refuse;
  for (const auto& find : {layerRule, elementwiseRule, shapeRule}) {
    if (const Rule found = find(rule)) return found;
  }
  return nullptr;
}

}  // namespace Aidge::detail
