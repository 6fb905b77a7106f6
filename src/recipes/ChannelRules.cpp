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
  mFollowed.clear();
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

std::optional<std::vector<std::int64_t>> RuleScope::list(IOIndex_t input) {
  if (!isComputed(input)) {
    const OperatorSchema& schema = *op().schema();
    return op().attribute<std::vector<std::int64_t>>(schema.extraInputs[input - schema.inputs.size()]);
  }
  const Counts counts = inputs[input].isConstant ? literalCounts(mNode->getParent(input)) : inputs[input].counts;
  if (counts.empty() && elementCount(inputs[input].dims) != 0) {
    fixAll("which takes its shape or places from a tensor");
    return std::nullopt;
  }
  mFollowed.insert(input);
  mFirstDemand[input] = mAnalysis.demands.size();
  std::vector<std::int64_t> values;
  for (const Count& count : counts) {
    values.push_back(static_cast<std::int64_t>(count.value));
    mAnalysis.demands.push_back({count, {}, mNode->describe(), false});
  }
  return values;
}

void RuleScope::bind(IOIndex_t input, std::size_t place, std::vector<ExtentPtr> extents) {
  if (const auto first = mFirstDemand.find(input); first != mFirstDemand.end())
    mAnalysis.demands[first->second + place].extents = std::move(extents);
}

void RuleScope::require(ExtentPtr extent, DimIdx_t axis) {
  const auto value = static_cast<double>(extent->size);
  mAnalysis.demands.push_back({{value, {{std::move(extent), 1.0}}, true, nullptr, 0},
                               {extentOf(atoms(), results[0], axis, outputs[0][axis])},
                               mNode->describe(),
                               false});
}

void RuleScope::bind(IOIndex_t input, std::size_t place, IOIndex_t output, DimIdx_t axis) {
  bind(input, place, {extentOf(atoms(), results[output], axis, outputs[output][axis])});
}

std::vector<Label> RuleScope::addSource(std::size_t channels) {
  const Label first = atoms().make(channels);
  mAnalysis.sources.push_back({mNode, first, channels});
  std::vector<Label> labels(channels);
  for (std::size_t i = 0; i < channels; ++i) labels[i] = first + static_cast<Label>(i);
  return labels;
}

void RuleScope::addUse(IOIndex_t input, std::vector<Label> labels) { mAnalysis.uses.push_back({mNode, input, std::move(labels)}); }

void RuleScope::addProduct(std::vector<Label> labels) { mAnalysis.products.push_back({mNode, 0, std::move(labels)}); }

void RuleScope::give(DimIdx_t axis, std::vector<Label> labels) { results = {LabelGrid::along(outputs[0].size(), axis, std::move(labels))}; }

namespace {

void refuse(RuleScope& scope) { scope.fixAll(scope.op().traits().channels.refusal); }

}  // namespace

Rule findRule(ChannelRule rule) {
  if (rule == ChannelRule::Refused) return refuse;
  for (const auto& find : {layerRule, elementwiseRule, shapeRule, partRule}) {
    if (const Rule found = find(rule)) return found;
  }
  return nullptr;
}

}  // namespace Aidge::detail
