// Operators that only move values.
#include <algorithm>
#include <numeric>

#include "ChannelRules.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::detail {

namespace {

using Ints = std::vector<std::int64_t>;

// Inputs that take the place of an attribute.
constexpr IOIndex_t kShape = 1;
constexpr IOIndex_t kPads = 1;
constexpr IOIndex_t kSizes = 3;

/// The same values under other dims.
void followFlatten(RuleScope& scope) { scope.results = {reshaped(scope.inputs[0].grid, scope.inputs[0].dims, scope.outputs[0])}; }

/// A computed target counts what is left of each axis; one -1 stays.
void bindShape(RuleScope& scope, const Ints& shape, bool allowZero) {
  const RuleInput& data = scope.inputs[0];
  for (DimIdx_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] > 0) scope.bind(kShape, axis, 0, axis);
    const bool copies = shape[axis] == 0 && !allowZero;
    if (copies) scope.require(extentOf(scope.atoms(), data.grid, axis, data.dims[axis]), axis);
  }
}

/// A Reshape's target: what it says, but for extents that a cut changes.
void followReshape(RuleScope& scope) {
  const auto given = scope.list(kShape);
  if (!given) return;
  followFlatten(scope);
  const Ints& shape = *given;
  const bool allowZero = scope.op().attribute<bool>("allowzero");
  if (scope.isComputed(kShape)) return bindShape(scope, shape, allowZero);
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

std::vector<Label> freshLabels(RuleScope& scope, DimSize_t count) {
  std::vector<Label> labels(static_cast<std::size_t>(std::max<DimSize_t>(count, 0)));
  std::iota(labels.begin(), labels.end(), scope.atoms().make(labels.size()));
  return labels;
}

/// Makes all inputs agree along the axes on which they are not joined, and gives constants slices of their own on the other one.
LabelGrid joined(RuleScope& scope, IOIndex_t input, DimIdx_t axis, const Dims& others) {
  const RuleInput& data = scope.inputs[input];
  Dims extents = others;
  extents[axis] = data.dims[axis];
  if (!data.isConstant) return expanded(data.grid, extents);
  return expanded(LabelGrid::along(extents.size(), axis, freshLabels(scope, data.dims[axis])), extents);
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

/// What a Pad adds (or takes away) at one end of its channels.
struct PaddedEnd {
  std::vector<Label> added;
  std::vector<Label> cropped;

  [[nodiscard]] std::int64_t count(const ChannelCut& cut) const {
    const auto stays = [&cut](Label label) { return !cut.isGone(label); };
    return std::count_if(added.begin(), added.end(), stays) - std::count_if(cropped.begin(), cropped.end(), stays);
  }
};

/// Padding along the channels adds slices of its own, which go by a smaller count.
LabelGrid padAxis(RuleScope& scope, DimIdx_t axis, DimSize_t before, DimSize_t after) {
  const auto inner = scope.along(0, axis);
  const auto first = inner.begin() + std::max<DimSize_t>(-before, 0);
  const auto last = inner.end() - std::max<DimSize_t>(-after, 0);
  const PaddedEnd begin{freshLabels(scope, before), {inner.begin(), first}};
  const PaddedEnd end{freshLabels(scope, after), {last, inner.end()}};
  std::vector<Label> labels = begin.added;
  labels.insert(labels.end(), first, last);
  labels.insert(labels.end(), end.added.begin(), end.added.end());
  const std::size_t rank = scope.inputs[0].dims.size();
  const auto axes = normaliseAxes(errorSite(scope.op()), scope.op().attribute<Ints>("axes"), rank);
  const auto at = axes.empty() ? axis : static_cast<std::size_t>(std::find(axes.begin(), axes.end(), axis) - axes.begin());
  scope.edit("pads", [=, pads = scope.op().attribute<Ints>("pads")](const ChannelCut& cut) {
    Ints result = pads;
    result[at] = begin.count(cut);
    result[result.size() / 2 + at] = end.count(cut);
    return result;
  });
  return LabelGrid::along(rank, axis, std::move(labels));
}

void followPad(RuleScope& scope) {
  const auto given = scope.list(kPads);
  if (!given) return;
  const std::size_t rank = scope.inputs[0].dims.size();
  const AxisPads pads = resolvePads(scope.op(), *given, rank);
  const bool isConstant = scope.op().attribute<std::string>("mode") == "constant";
  LabelGrid grid = scope.inputs[0].grid;
  for (DimIdx_t axis = 0; axis < rank; ++axis) {
    if (pads.begin[axis] == 0 && pads.end[axis] == 0) continue;
    const bool isChannel = grid.extents[axis] > 1;
    if (!isChannel) continue;
    if (scope.isComputed(kPads)) return scope.fixAll("which pads channels by a computed count");
    if (isConstant) {
      grid = padAxis(scope, axis, pads.begin[axis], pads.end[axis]);
    } else {
      scope.fix(0, "feeds " + scope.node()->describe() + ", which repeats channels");
      grid = LabelGrid::uniform(rank, grid.labels[0]);
    }
  }
  scope.results = {std::move(grid)};
}

// --- space ----------------------------------------------------------------------------------------------------------

void followResize(RuleScope& scope) {
  const auto sizes = scope.list(kSizes);
  if (!sizes) return;
  const Dims before = scope.inputs[0].dims;
  for (DimIdx_t axis = 0; axis < before.size(); ++axis) {
    if (before[axis] != scope.outputs[0][axis]) scope.flatten(0, axis);
  }
  scope.results = {scope.inputs[0].grid};
  if (sizes->empty()) return;
  const auto axes = normaliseAxes(errorSite(scope.op()), scope.op().attribute<Ints>("axes"), before.size());
  for (std::size_t i = 0; i < sizes->size(); ++i) scope.bind(kSizes, i, 0, axes.empty() ? i : axes[i]);
  if (scope.isComputed(kSizes)) return;
  scope.edit("sizes", [=, sizes = *sizes, grid = scope.results[0], dims = scope.outputs[0]](const ChannelCut& cut) {
    const Dims after = cut.dims(grid, dims);
    Ints result = sizes;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const DimIdx_t axis = axes.empty() ? i : axes[i];
      if (grid.extents[axis] > 1) result[i] = after[axis];
    }
    return result;
  });
}

/// The channels of a block go together.
void followDepthToSpace(RuleScope& scope) {
  const auto in = scope.along(0, 1);
  const auto out = static_cast<std::size_t>(scope.outputs[0][1]);
  const std::size_t block = in.size() / out;
  const bool rowsFirst = scope.op().attribute<std::string>("mode") == "DCR";
  std::vector<Label> labels(out);
  for (std::size_t c = 0; c < out; ++c) {
    labels[c] = in[rowsFirst ? c : c * block];
    for (std::size_t k = 0; k < block; ++k) scope.unite(labels[c], in[rowsFirst ? k * out + c : c * block + k]);
  }
  scope.give(1, std::move(labels));
}

void followSpaceToDepth(RuleScope& scope) {
  const auto in = scope.along(0, 1);
  std::vector<Label> labels(static_cast<std::size_t>(scope.outputs[0][1]));
  for (std::size_t o = 0; o < labels.size(); ++o) labels[o] = in[o % in.size()];
  scope.give(1, std::move(labels));
}

}  // namespace

Rule shapeRule(ChannelRule rule) {
  switch (rule) {
    case ChannelRule::Regroup:
      return followFlatten;
    case ChannelRule::Reshape:
      return followReshape;
    case ChannelRule::Squeeze:
      return followSqueeze;
    case ChannelRule::Transpose:
      return followTranspose;
    case ChannelRule::Concat:
      return followConcat;
    case ChannelRule::Pad:
      return followPad;
    case ChannelRule::Resize:
      return followResize;
    case ChannelRule::DepthToSpace:
      return followDepthToSpace;
    case ChannelRule::SpaceToDepth:
      return followSpaceToDepth;
    default:
      return nullptr;
  }
}

}  // namespace Aidge::detail
