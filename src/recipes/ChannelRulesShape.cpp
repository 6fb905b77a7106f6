// Operators that only move values.
#include <algorithm>
#include <numeric>

#include "ChannelRules.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::detail {

namespace {

using Ints = std::vector<std::int64_t>;

/// The same values under other dims.
void followFlatten(RuleScope& scope) { scope.results = {reshaped(scope.inputs[0].grid, scope.inputs[0].dims, scope.outputs[0])}; }

/// A Reshape's target: what it says, but for extents that a cut changes.
void followReshape(RuleScope& scope) {
  followFlatten(scope);
  const Ints shape = scope.op().attribute<Ints>("shape");
  const bool allowZero = scope.op().attribute<bool>("allowzero");
  scope.edit("shape", [=, in = scope.inputs[0], grid = scope.results[0], out = scope.outputs[0]](const ChannelCut& cut) {
    const Dims before = cut.dims(in.grid, in.dims);
    const Dims after = cut.dims(grid, out);
    Ints target = shape;
    for (std::size_t axis = 0; axis < target.size(); ++axis) {
      const bool copies = target[axis] == 0 && !allowZero;
      if (copies ? before[axis] != after[axis] : target[axis] > 0) target[axis] = after[axis];
    }
    return target;
  });
}

void followSqueeze(RuleScope& scope) {
  followFlatten(scope);
  if (!scope.op().attribute<Ints>("axes").empty()) return;
  // Without a list it would also take out an axis of which one channel is left.
  Ints axes;
  for (std::size_t axis = 0; axis < scope.inputs[0].dims.size(); ++axis) {
    if (scope.inputs[0].dims[axis] == 1) axes.push_back(static_cast<std::int64_t>(axis));
  }
  if (!axes.empty()) scope.edit("axes", [axes](const ChannelCut&) { return axes; });
}

void followTranspose(RuleScope& scope) {
  scope.results = {permuted(scope.inputs[0].grid, resolvePermutation(scope.op(), scope.inputs[0].dims.size()))};
}

/// Makes all inputs agree along the axes on which they are not joined, and gives constants slices of their own on the other one.
LabelGrid joined(RuleScope& scope, IOIndex_t input, DimIdx_t axis, const Dims& others) {
  const RuleInput& data = scope.inputs[input];
  Dims extents = others;
  extents[axis] = data.dims[axis];
  if (!data.isConstant) return expanded(data.grid, extents);
  const auto count = static_cast<std::size_t>(data.dims[axis]);
  std::vector<Label> own(count);
  std::iota(own.begin(), own.end(), scope.atoms().make(count));
  return expanded(LabelGrid::along(extents.size(), axis, own), extents);
}

/// Joined along the channels: one after the other.
void concatChannels(RuleScope& scope, DimIdx_t axis) {
  const std::size_t rank = scope.outputs[0].size();
  Dims others(rank, 1);
  for (const RuleInput& input : scope.inputs) {
    for (DimIdx_t i = 0; i < rank; ++i) others[i] = i == axis ? 1 : std::max(others[i], input.grid.extents[i]);
  }
  std::vector<LabelGrid> parts;
  for (IOIndex_t i = 0; i < scope.inputs.size(); ++i) {
    parts.push_back(joined(scope, i, axis, others));
    if (scope.isConstant(i)) scope.cutConstant(i, {parts.back()});
  }
  LabelGrid result{others, {}};
  result.extents[axis] = scope.outputs[0][axis];
  std::size_t outer = 1;
  for (DimIdx_t i = 0; i < axis; ++i) outer *= static_cast<std::size_t>(others[i]);
  for (std::size_t block = 0; block < outer; ++block) {
    for (const LabelGrid& part : parts) {
      const auto length = static_cast<std::ptrdiff_t>(part.labels.size() / outer);
      const auto from = part.labels.begin() + static_cast<std::ptrdiff_t>(block) * length;
      result.labels.insert(result.labels.end(), from, from + length);
    }
  }
  scope.results = {std::move(result)};
}

/// Joined along another axis than the channels, which then are the same in all inputs.
void concatOthers(RuleScope& scope, const Dims& channels) {
  LabelGrid result;
  for (const RuleInput& input : scope.inputs) {
    if (input.isConstant) continue;
    LabelGrid grid = expanded(input.grid, channels);
    for (std::size_t k = 0; k < result.labels.size(); ++k) scope.unite(result.labels[k], grid.labels[k]);
    if (result.labels.empty()) result = std::move(grid);
  }
  for (IOIndex_t i = 0; i < scope.inputs.size(); ++i) {
    if (scope.isConstant(i)) scope.cutConstant(i, {result});
  }
  scope.results = {std::move(result)};
}

void followConcat(RuleScope& scope) {
  const std::size_t rank = scope.outputs[0].size();
  const DimIdx_t axis = normaliseAxis(errorSite(scope.op()), scope.op().attribute<std::int64_t>("axis"), rank);
  Dims channels(rank, 1);
  for (const RuleInput& input : scope.inputs) {
    for (DimIdx_t i = 0; i < rank; ++i) channels[i] = std::max(channels[i], input.grid.extents[i]);
  }
  const bool spansOthers = std::any_of(channels.begin(), channels.end(), [](DimSize_t extent) { return extent > 1; });
  const bool hasData = std::any_of(scope.inputs.begin(), scope.inputs.end(), [](const RuleInput& input) { return !input.isConstant; });
  if (!hasData) return scope.fixAll("which joins constants");
  if (channels[axis] == 1 && spansOthers) {
    concatOthers(scope, channels);
  } else {
    concatChannels(scope, axis);
  }
}

/// Padding along the channels adds slices of its own, which go by a smaller count.
void padAxis(RuleScope& scope, DimIdx_t axis, const AxisPads& pads, LabelGrid& grid) {
  const DimSize_t extent = scope.inputs[0].dims[axis];
  const auto zeros = [&](DimSize_t count) {
    const auto wanted = static_cast<std::size_t>(std::max<DimSize_t>(count, 0));
    std::vector<Label> labels(wanted);
    std::iota(labels.begin(), labels.end(), scope.atoms().make(wanted));
    return labels;
  };
  const auto before = zeros(pads.begin[axis]);
  const auto after = zeros(pads.end[axis]);
  const auto inner = labelsAlong(grid, axis, extent);
  const auto first = inner.begin() + std::max<DimSize_t>(-pads.begin[axis], 0);
  const auto last = inner.end() - std::max<DimSize_t>(-pads.end[axis], 0);
  std::vector<Label> labels = before;
  labels.insert(labels.end(), first, last);
  labels.insert(labels.end(), after.begin(), after.end());
  const std::size_t rank = scope.inputs[0].dims.size();
  scope.edit("pads", [=, pads = scope.op().attribute<Ints>("pads"), axes = scope.op().attribute<Ints>("axes")](const ChannelCut& cut) {
    const auto left = [&cut](auto begin, auto end) {
      return std::int64_t{std::count_if(begin, end, [&cut](Label label) { return !cut.isGone(label); })};
    };
    std::size_t at = axis;
    for (std::size_t i = 0; i < axes.size(); ++i) {
      if (static_cast<DimIdx_t>(axes[i] < 0 ? axes[i] + static_cast<std::int64_t>(rank) : axes[i]) == axis) at = i;
    }
    Ints result = pads;
    result[at] = left(before.begin(), before.end()) - left(inner.begin(), first);
    result[result.size() / 2 + at] = left(after.begin(), after.end()) - left(last, inner.end());
    return result;
  });
  grid = LabelGrid::along(rank, axis, std::move(labels));
}

void followPad(RuleScope& scope) {
  const std::size_t rank = scope.inputs[0].dims.size();
  const AxisPads pads = resolvePads(scope.op(), rank);
  const bool isConstant = scope.op().attribute<std::string>("mode") == "constant";
  LabelGrid grid = scope.inputs[0].grid;
  for (DimIdx_t axis = 0; axis < rank; ++axis) {
    if (pads.begin[axis] == 0 && pads.end[axis] == 0) continue;
    const bool isChannel = grid.extents[axis] > 1;
    if (!isChannel) continue;
    if (isConstant) {
      scope.along(0, axis);
      grid = scope.inputs[0].grid;
      padAxis(scope, axis, pads, grid);
    } else {
      scope.fix(0, "feeds " + scope.node()->describe() + ", which repeats channels");
      grid = LabelGrid::uniform(rank, scope.inputs[0].grid.labels[0]);
    }
  }
  scope.results = {std::move(grid)};
}

}  // namespace

const RuleTable& shapeRules() {
  static const RuleTable table{
      {"Flatten", followFlatten},     {"Reshape", followReshape}, {"Squeeze", followSqueeze}, {"Unsqueeze", followFlatten},
      {"Transpose", followTranspose}, {"Concat", followConcat},   {"Pad", followPad},
  };
  return table;
}

}  // namespace Aidge::detail
