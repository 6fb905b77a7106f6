// Operators that take parts of an axis, and those that repeat it.
#include <algorithm>
#include <numeric>

#include "ChannelRules.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::detail {

namespace {

using Ints = std::vector<std::int64_t>;

// Inputs that take the place of an attribute, and Gather's indices.
constexpr IOIndex_t kSplit = 1;
constexpr IOIndex_t kStarts = 1;
constexpr IOIndex_t kEnds = 2;
constexpr IOIndex_t kAxes = 3;
constexpr IOIndex_t kSteps = 4;
constexpr IOIndex_t kIndices = 1;
constexpr IOIndex_t kRepeats = 1;

Ints range(std::int64_t begin, std::int64_t end) {
  Ints places(static_cast<std::size_t>(end - begin));
  std::iota(places.begin(), places.end(), begin);
  return places;
}

void followSplit(RuleScope& scope) {
  if (!scope.list(kSplit)) return;
  const LabelGrid grid = scope.inputs[0].grid;
  const DimIdx_t axis = normaliseAxis(errorSite(scope.op()), scope.op().attribute<std::int64_t>("axis"), grid.extents.size());
  std::int64_t begin = 0;
  for (const Dims& part : scope.outputs) {
    scope.results.push_back(taken(grid, axis, scope.inputs[0].dims[axis], range(begin, begin + part[axis])));
    begin += part[axis];
  }
  if (grid.extents[axis] == 1) return;
  if (scope.isComputed(kSplit)) {
    for (std::size_t i = 0; i < scope.outputs.size(); ++i) scope.bind(kSplit, i, i, axis);
    return;
  }
  scope.edit("split", [axis, grids = scope.results, outputs = scope.outputs](const ChannelCut& cut) {
    Ints parts;
    for (std::size_t i = 0; i < grids.size(); ++i) parts.push_back(cut.dims(grids[i], outputs[i])[axis]);
    return parts;
  });
}

/// One entry of a Slice along channels: [begin, end) of `extent`.
struct SlicedChannels {
  std::size_t entry = 0;
  DimIdx_t axis = 0;
  DimSize_t extent = 0;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  LabelGrid before;
  LabelGrid grid;
};

/// A bound becomes the number of channels before it that stay. `bounds`: the whole list.
void editBound(RuleScope& scope, const SlicedChannels& slice, IOIndex_t input, const Ints& bounds) {
  const bool isEnd = input == kEnds;
  std::vector<ExtentPtr> extents;
  if (slice.begin > 0) extents.push_back(extentOf(scope.atoms(), slice.before, slice.axis, slice.begin));
  if (isEnd) extents.push_back(extentOf(scope.atoms(), slice.grid, slice.axis, slice.end - slice.begin));
  if (scope.isComputed(input)) {
    // 0 stays, and so does an end beyond the last channel.
    const std::int64_t bound = bounds[slice.entry];
    if (isEnd ? bound <= slice.extent : bound != 0) scope.bind(input, slice.entry, std::move(extents));
    return;
  }
  scope.edit(isEnd ? "ends" : "starts", [=](const ChannelCut& cut) {
    Ints result = bounds;
    result[slice.entry] = 0;
    for (const ExtentPtr& extent : extents)
      result[slice.entry] += static_cast<std::int64_t>(cut.kept(extent->grid, extent->axis, extent->size).size());
    return result;
  });
}

void followSlice(RuleScope& scope) {
  const auto starts = scope.list(kStarts);
  const auto ends = starts ? scope.list(kEnds) : std::nullopt;
  const auto given = ends ? scope.list(kAxes) : std::nullopt;
  const auto steps = given ? scope.list(kSteps) : std::nullopt;
  if (!steps) return;
  const RuleInput& data = scope.inputs[0];
  auto axes = normaliseAxes(errorSite(scope.op()), *given, data.dims.size());
  for (DimIdx_t axis = 0; given->empty() && axis < starts->size(); ++axis) axes.push_back(axis);
  LabelGrid grid = data.grid;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const DimIdx_t axis = axes[i];
    if (grid.extents[axis] == 1) continue;
    if (!steps->empty() && (*steps)[i] != 1) return scope.fixAll("which skips channels");
    const bool countsBack = (scope.isComputed(kStarts) && (*starts)[i] < 0) || (scope.isComputed(kEnds) && (*ends)[i] < 0);
    if (countsBack) return scope.fixAll("which counts channels from the end by a computed number");
    SlicedChannels slice{i, axis, data.dims[axis], 0, 0, {}, {}};
    slice.begin = std::clamp<std::int64_t>((*starts)[i] < 0 ? (*starts)[i] + slice.extent : (*starts)[i], 0, slice.extent);
    slice.end = slice.begin + scope.outputs[0][axis];
    slice.before = taken(grid, axis, slice.extent, range(0, slice.begin));
    slice.grid = grid = taken(grid, axis, slice.extent, range(slice.begin, slice.end));
    editBound(scope, slice, kStarts, *starts);
    editBound(scope, slice, kEnds, *ends);
  }
  scope.results = {std::move(grid)};
}

/// What differs along the axis from which slices are picked stays together, so that the indices stay right.
void followGather(RuleScope& scope) {
  const RuleInput& data = scope.inputs[0];
  if (data.isConstant) return scope.fixAll("which picks values of a constant");
  const DimIdx_t axis = normaliseAxis(errorSite(scope.op()), scope.op().attribute<std::int64_t>("axis"), data.dims.size());
  scope.flatten(0, axis);
  LabelGrid grid = scope.inputs[0].grid;
  const auto at = grid.extents.begin() + static_cast<std::ptrdiff_t>(axis);
  grid.extents.insert(grid.extents.erase(at), scope.inputs[kIndices].dims.size(), 1);
  scope.results = {std::move(grid)};
}

// --- repeating ------------------------------------------------------------------------------------------------------

/// The last axis but the first one that holds more than one value; nullopt if there is none.
std::optional<DimIdx_t> longAxis(const Dims& dims) {
  for (DimIdx_t axis = dims.size(); axis-- > 1;) {
    if (dims[axis] > 1) return axis;
  }
  return std::nullopt;
}

/// A repeated constant gets its own channel labels along its last axis with more than one value, like a constant input of Concat.
LabelGrid repeatedData(RuleScope& scope) {
  const RuleInput& data = scope.inputs[0];
  const auto axis = longAxis(data.dims);
  if (!data.isConstant || !axis) return data.grid;
  std::vector<Label> labels(static_cast<std::size_t>(data.dims[*axis]));
  std::iota(labels.begin(), labels.end(), scope.atoms().make(labels.size()));
  scope.cutConstant(0, *axis, labels);
  return LabelGrid::along(data.dims.size(), *axis, std::move(labels));
}

/// Expand: to the dims that the data and `shape` broadcast to.
void expandTo(RuleScope& scope, const Ints& shape) {
  const std::size_t rank = scope.outputs[0].size();
  LabelGrid grid = repeatedData(scope);
  grid.extents.insert(grid.extents.begin(), rank - grid.extents.size(), 1);
  scope.results = {grid};
  const std::size_t skipped = rank - shape.size();
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] != 1) scope.bind(kRepeats, i, 0, i + skipped);
  }
  if (scope.isComputed(kRepeats)) return;
  scope.edit("shape", [=, dims = scope.outputs[0]](const ChannelCut& cut) {
    const Dims after = cut.dims(grid, dims);
    Ints result = shape;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] != 1) result[i] = after[i + skipped];
    }
    return result;
  });
}

/// Tile: several times side by side.
void tile(RuleScope& scope, const Ints& repeats) {
  const Dims dims = scope.inputs[0].dims;
  LabelGrid grid = repeatedData(scope);
  for (DimIdx_t axis = 0; axis < dims.size(); ++axis) {
    if (grid.extents[axis] == 1 || repeats[axis] == 1) continue;
    Ints places;
    for (std::int64_t i = 0; i < repeats[axis] * dims[axis]; ++i) places.push_back(i % dims[axis]);
    grid = taken(grid, axis, dims[axis], places);
  }
  scope.results = {std::move(grid)};
}

void followRepeat(RuleScope& scope) {
  const auto counts = scope.list(kRepeats);
  if (!counts) return;
  scope.op().hasAttribute("repeats") ? tile(scope, *counts) : expandTo(scope, *counts);
}

}  // namespace

Rule partRule(ChannelRule rule) {
  switch (rule) {
    case ChannelRule::Split:
      return followSplit;
    case ChannelRule::Slice:
      return followSlice;
    case ChannelRule::Gather:
      return followGather;
    case ChannelRule::Repeat:
      return followRepeat;
    default:
      return nullptr;
  }
}

}  // namespace Aidge::detail
