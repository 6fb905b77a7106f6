// Elementwise operators, with and without broadcasting, and reductions.
#include <algorithm>
#include <numeric>
#include <string>

#include "ChannelRules.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::detail {

namespace {

void followPass(RuleScope& scope) { scope.results = {scope.inputs[0].grid}; }

/// A grid or dims of lower rank, with extents of 1 before them.
LabelGrid aligned(LabelGrid grid, std::size_t rank) {
  grid.extents.insert(grid.extents.begin(), rank - grid.extents.size(), 1);
  return grid;
}

Dims alignedDims(Dims dims, std::size_t rank) {
  dims.insert(dims.begin(), rank - dims.size(), 1);
  return dims;
}

/// How an operand stands to the axes along which the channels of all operands lie.
enum class Follows : std::uint8_t { None, All, Some };

Follows standing(const Dims& operand, const Dims& channels) {
  bool spans = false;
  bool repeats = false;
  for (std::size_t axis = 0; axis < channels.size(); ++axis) {
    if (channels[axis] == 1) continue;
    (operand[axis] == 1 ? repeats : spans) = true;
  }
  return !spans ? Follows::None : repeats ? Follows::Some : Follows::All;
}

/// The largest extents of the operands' grids, which become compact.
Dims channelExtents(RuleScope& scope, std::size_t rank) {
  Dims channels(rank, 1);
  for (RuleInput& input : scope.inputs) {
    input.grid = compacted(scope.atoms(), input.grid);
    const Dims extents = alignedDims(input.grid.extents, rank);
    for (std::size_t axis = 0; axis < rank; ++axis) channels[axis] = std::max(channels[axis], extents[axis]);
  }
  return channels;
}

/// Unites what differs along an axis in the operands that differ along another one, too.
void uniteAlong(RuleScope& scope, DimIdx_t axis, std::size_t rank) {
  for (IOIndex_t i = 0; i < scope.inputs.size(); ++i) {
    const Dims& extents = scope.inputs[i].grid.extents;
    const std::size_t missing = rank - extents.size();
    if (axis < missing || extents[axis - missing] == 1) continue;
    const auto differs = [](DimSize_t extent) { return extent > 1; };
    if (std::count_if(extents.begin(), extents.end(), differs) > 1) scope.flatten(i, axis - missing);
  }
}

/// An operand that repeats along heads and has their dimensions: these are removed in all heads alike.
void cutAlongSharedAxes(RuleScope& scope, std::size_t rank) {
  const Dims channels = channelExtents(scope, rank);
  for (const RuleInput& input : scope.inputs) {
    const Dims dims = alignedDims(input.dims, rank);
    if (standing(dims, channels) != Follows::Some) continue;
    for (std::size_t axis = 0; axis < rank; ++axis) {
      if (channels[axis] > 1 && dims[axis] == 1) uniteAlong(scope, axis, rank);
    }
  }
}

/// Operands that have the channels' axes go with them, value by value; those that repeat along them are not touched.
void followBroadcast(RuleScope& scope) {
  const std::size_t rank = scope.outputs[0].size();
  cutAlongSharedAxes(scope, rank);
  const Dims channels = channelExtents(scope, rank);
  LabelGrid result;
  for (IOIndex_t i = 0; i < scope.inputs.size(); ++i) {
    if (!scope.has(i) || scope.isConstant(i)) continue;
    const Dims dims = alignedDims(scope.inputs[i].dims, rank);
    const Follows follows = standing(dims, channels);
    if (follows == Follows::Some) return scope.fixAll("which spreads several groups of channels over each other");
    if (follows == Follows::None && !result.labels.empty()) continue;
    LabelGrid grid = expanded(aligned(scope.inputs[i].grid, rank), follows == Follows::All ? channels : Dims(rank, 1));
    if (result.labels.size() == grid.labels.size() && follows == Follows::All) {
      for (std::size_t k = 0; k < grid.labels.size(); ++k) scope.unite(result.labels[k], grid.labels[k]);
    }
    if (result.labels.size() < grid.labels.size()) result = std::move(grid);
  }
  for (IOIndex_t i = 0; i < scope.inputs.size(); ++i) {
    if (!scope.isConstant(i)) continue;
    const Dims& dims = scope.inputs[i].dims;
    const Follows follows = standing(alignedDims(dims, rank), channels);
    if (follows == Follows::Some) return scope.fixAll("whose constant spreads channels over each other");
    if (follows == Follows::None) continue;
    LabelGrid cut = result;
    cut.extents.erase(cut.extents.begin(), cut.extents.end() - static_cast<std::ptrdiff_t>(dims.size()));
    scope.cutConstant(i, {std::move(cut)});
  }
  scope.results = {std::move(result)};
}

/// Values that differ along the axes over which they are mixed go together if something is left to remove along another axis, else they are fixed.
void fixAcross(RuleScope& scope, const std::vector<DimIdx_t>& axes, const std::string& why = "which mixes channels") {
  const auto isMixed = [&](DimIdx_t axis) { return std::find(axes.begin(), axes.end(), axis) != axes.end(); };
  const auto varying = varyingAxes(scope.atoms(), scope.inputs[0].grid);
  const bool hasOthers = !std::all_of(varying.begin(), varying.end(), isMixed);
  for (const DimIdx_t axis : varying) {
    if (!isMixed(axis)) continue;
    if (hasOthers) {
      scope.flatten(0, axis);
    } else {
      scope.fix(0, "feeds " + scope.node()->describe() + ", " + why);
    }
  }
}

/// The first slice along each of these axes.
LabelGrid firstAlong(LabelGrid grid, const std::vector<DimIdx_t>& axes) {
  const std::int64_t first = 0;
  for (const DimIdx_t axis : axes) {
    if (grid.extents[axis] > 1) grid = taken(grid, axis, grid.extents[axis], std::span(&first, 1));
  }
  return grid;
}

DimIdx_t axisOf(const RuleScope& scope) {
  return normaliseAxis(errorSite(scope.op()), scope.op().attribute<std::int64_t>("axis"), scope.inputs[0].dims.size());
}

void followAxis(RuleScope& scope) {
  fixAcross(scope, {axisOf(scope)});
  followPass(scope);
}

/// Normalises over the last axes; scale and bias broadcast, and statistics may follow as further outputs.
void followLastAxes(RuleScope& scope) {
  std::vector<DimIdx_t> axes(scope.inputs[0].dims.size() - axisOf(scope));
  std::iota(axes.begin(), axes.end(), axisOf(scope));
  fixAcross(scope, axes, "which normalises across channels");
  followBroadcast(scope);
  scope.results.resize(scope.outputs.size(), firstAlong(scope.results[0], axes));
}

void followChannelWindow(RuleScope& scope) {
  fixAcross(scope, {1});
  followPass(scope);
}

/// Channels that are normalised together go together.
void followGroups(RuleScope& scope) {
  if (!scope.isConstant(1) || !scope.isConstant(2)) return scope.fixAll("whose scale and bias are not constant");
  std::vector<Label> labels = scope.along(0, 1);
  const auto groups = static_cast<std::size_t>(scope.op().attribute<std::int64_t>("groups"));
  const std::size_t size = labels.size() / groups;
  std::vector<Label> first;
  for (std::size_t c = 0; c < labels.size(); ++c) {
    if (c % size == 0) first.push_back(labels[c]);
    scope.unite(first.back(), labels[c]);
  }
  if (groups == 1) scope.fix(0, "feeds " + scope.node()->describe() + ", which normalises all channels together");
  for (const IOIndex_t parameter : {1, 2}) {
    const bool isForGroup = scope.inputs[parameter].dims[0] == static_cast<DimSize_t>(groups) && size > 1;
    scope.cutConstant(parameter, 0, isForGroup ? first : labels);
  }
  scope.edit("groups", [first](const ChannelCut& cut) {
    return std::int64_t{std::count_if(first.begin(), first.end(), [&](Label label) { return !cut.isGone(label); })};
  });
  scope.results = {LabelGrid::along(scope.outputs[0].size(), 1, std::move(labels))};
}

void followReduce(RuleScope& scope) {
  const RuleInput& data = scope.inputs[0];
  const auto axes = resolveReducedAxes(scope.op(), data.dims.size());
  fixAcross(scope, axes);
  const LabelGrid grid = firstAlong(data.grid, axes);
  Dims kept;
  for (DimIdx_t axis = 0; axis < data.dims.size(); ++axis) {
    const bool isReduced = std::find(axes.begin(), axes.end(), axis) != axes.end();
    if (!isReduced || scope.op().attribute<bool>("keep_dims")) kept.push_back(grid.extents[axis]);
  }
  scope.results = {{kept, grid.labels}};
}

}  // namespace

Rule elementwiseRule(ChannelRule rule) {
  switch (rule) {
    case ChannelRule::Pass:
      return followPass;
    case ChannelRule::Broadcast:
      return followBroadcast;
    case ChannelRule::AlongAxis:
      return followAxis;
    case ChannelRule::FromAxis:
      return followLastAxes;
    case ChannelRule::AcrossChannels:
      return followChannelWindow;
    case ChannelRule::Grouped:
      return followGroups;
    case ChannelRule::Reduce:
      return followReduce;
    default:
      return nullptr;
  }
}

}  // namespace Aidge::detail
