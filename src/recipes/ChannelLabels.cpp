#include "ChannelLabels.hpp"

#include <algorithm>
#include <numeric>

namespace Aidge::detail {

namespace {

/// Calls visit(offset in the grid, place) for every place of an array of `extents`, in row-major order.
void walk(const LabelGrid& grid, const Dims& extents, const std::function<void(std::size_t, const Dims&)>& visit) {
  const std::size_t rank = extents.size();
  Dims steps(rank, 0);
  DimSize_t step = 1;
  for (std::size_t axis = rank; axis-- > 0; step *= grid.extents[axis]) steps[axis] = grid.extents[axis] == 1 ? 0 : step;
  Dims place(rank, 0);
  DimSize_t offset = 0;
  if (std::find(extents.begin(), extents.end(), 0) != extents.end()) return;
  while (true) {
    visit(static_cast<std::size_t>(offset), place);
    std::size_t axis = rank;
    while (axis-- > 0) {
      offset += steps[axis];
      if (++place[axis] < extents[axis]) break;
      offset -= steps[axis] * extents[axis];
      place[axis] = 0;
    }
    if (axis == static_cast<std::size_t>(-1)) return;
  }
}

/// Labels before, along and after an axis, as one triple of extents.
struct AxisSplit {
  std::size_t outer = 1;
  std::size_t extent = 1;
  std::size_t inner = 1;
};

AxisSplit splitAt(const Dims& extents, DimIdx_t axis) {
  AxisSplit split;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    const auto extent = static_cast<std::size_t>(extents[i]);
    (i < axis ? split.outer : i == axis ? split.extent : split.inner) *= extent;
  }
  return split;
}

}  // namespace

// --- atoms ----------------------------------------------------------------------------------------------------------

Label Atoms::make(std::size_t count) {
  const auto first = static_cast<Label>(mParents.size());
  mParents.resize(mParents.size() + count);
  std::iota(mParents.begin() + static_cast<std::ptrdiff_t>(first), mParents.end(), first);
  return first;
}

Label Atoms::fixedLabel(const std::string& what) {
  const auto known = std::find(mFixedLabels.begin(), mFixedLabels.end(), what);
  const auto index = known - mFixedLabels.begin();
  if (known == mFixedLabels.end()) mFixedLabels.push_back(what);
  return -1 - static_cast<Label>(index);
}

Label Atoms::find(Label label) const {
  if (label < 0) return label;
  Label root = label;
  while (mParents[static_cast<std::size_t>(root)] != root) root = mParents[static_cast<std::size_t>(root)];
  while (mParents[static_cast<std::size_t>(label)] != root) {
    Label& parent = mParents[static_cast<std::size_t>(label)];
    label = parent;
    parent = root;
  }
  return root;
}

void Atoms::unite(Label a, Label b, const std::string& where) {
  a = find(a);
  b = find(b);
  if (a == b) return;
  if (a > b) std::swap(a, b);
  if (a < 0) {
    if (b >= 0) fix(b, "meets " + reason(a) + " in " + where);
    return;
  }
  mParents[static_cast<std::size_t>(b)] = a;
  const auto found = mReasons.find(b);
  if (found == mReasons.end()) return;
  mReasons.emplace(a, found->second);
  mReasons.erase(b);
}

void Atoms::fix(Label label, const std::string& reason) {
  if (label >= 0) mReasons.emplace(find(label), reason);
}

bool Atoms::isFixed(Label label) const { return label < 0 || mReasons.count(find(label)) != 0; }

const std::string& Atoms::reason(Label label) const {
  return label < 0 ? mFixedLabels[static_cast<std::size_t>(-1 - label)] : mReasons.at(find(label));
}

// --- grids ----------------------------------------------------------------------------------------------------------

LabelGrid LabelGrid::along(std::size_t rank, DimIdx_t axis, std::vector<Label> labels) {
  LabelGrid grid{Dims(rank, 1), std::move(labels)};
  grid.extents[axis] = static_cast<DimSize_t>(grid.labels.size());
  return grid;
}

LabelGrid expanded(const LabelGrid& grid, const Dims& extents) {
  if (grid.extents == extents) return grid;
  LabelGrid result{extents, {}};
  result.labels.reserve(elementCount(extents));
  walk(grid, extents, [&](std::size_t offset, const Dims&) { result.labels.push_back(grid.labels[offset]); });
  return result;
}

std::vector<DimIdx_t> varyingAxes(const Atoms& atoms, const LabelGrid& grid) {
  std::vector<DimIdx_t> axes;
  for (DimIdx_t axis = 0; axis < grid.extents.size(); ++axis) {
    const AxisSplit split = splitAt(grid.extents, axis);
    bool differs = false;
    const std::size_t slab = split.extent * split.inner;
    for (std::size_t i = 0; i < grid.labels.size() && !differs && split.extent > 1; ++i)
      differs = atoms.key(grid.labels[i]) != atoms.key(grid.labels[i / slab * slab + i % split.inner]);
    if (differs) axes.push_back(axis);
  }
  return axes;
}

LabelGrid compacted(const Atoms& atoms, const LabelGrid& grid) {
  LabelGrid result = grid;
  const auto varying = varyingAxes(atoms, grid);
  for (DimIdx_t axis = 0; axis < grid.extents.size(); ++axis) {
    if (result.extents[axis] == 1 || std::find(varying.begin(), varying.end(), axis) != varying.end()) continue;
    const std::int64_t first = 0;
    result = taken(result, axis, result.extents[axis], std::span(&first, 1));
  }
  return result;
}

LabelGrid united(Atoms& atoms, const LabelGrid& grid, DimIdx_t axis, const std::string& where) {
  if (grid.extents[axis] == 1) return grid;
  const AxisSplit split = splitAt(grid.extents, axis);
  const std::size_t slab = split.extent * split.inner;
  LabelGrid result{grid.extents, {}};
  result.extents[axis] = 1;
  for (std::size_t i = 0; i < grid.labels.size(); ++i) {
    const std::size_t first = i / slab * slab + i % split.inner;
    if (i % slab < split.inner) result.labels.push_back(grid.labels[i]);
    atoms.unite(grid.labels[first], grid.labels[i], where);
  }
  return result;
}

LabelGrid permuted(const LabelGrid& grid, std::span<const DimIdx_t> order) {
  LabelGrid result;
  for (const DimIdx_t axis : order) result.extents.push_back(grid.extents[axis]);
  Dims steps(grid.extents.size(), 1);
  for (std::size_t axis = grid.extents.size(); axis-- > 1;) steps[axis - 1] = steps[axis] * grid.extents[axis];
  walk(LabelGrid::uniform(order.size(), 0), result.extents, [&](std::size_t, const Dims& place) {
    DimSize_t offset = 0;
    for (std::size_t i = 0; i < order.size(); ++i) offset += place[i] * steps[order[i]];
    result.labels.push_back(grid.labels[static_cast<std::size_t>(offset)]);
  });
  return result;
}

LabelGrid reshaped(const LabelGrid& grid, const Dims& from, const Dims& to) {
  Dims source(from.size(), 1);
  Dims target(to.size(), 1);
  std::size_t f = 0;
  std::size_t t = 0;
  // Axes are matched in runs of equal products; a run within which no label differs stays as small as it is.
  while (f < from.size() || t < to.size()) {
    const std::size_t firstF = f;
    const std::size_t firstT = t;
    DimSize_t have = f < from.size() ? from[f++] : 1;
    DimSize_t want = t < to.size() ? to[t++] : 1;
    while (have != want) {
      if (have < want && f < from.size()) {
        have *= from[f++];
      } else {
        want *= to[t++];
      }
    }
    const bool varies = std::any_of(grid.extents.begin() + static_cast<std::ptrdiff_t>(firstF),
                                    grid.extents.begin() + static_cast<std::ptrdiff_t>(f), [](DimSize_t extent) { return extent > 1; });
    if (!varies) continue;
    std::copy(from.begin() + static_cast<std::ptrdiff_t>(firstF), from.begin() + static_cast<std::ptrdiff_t>(f),
              source.begin() + static_cast<std::ptrdiff_t>(firstF));
    std::copy(to.begin() + static_cast<std::ptrdiff_t>(firstT), to.begin() + static_cast<std::ptrdiff_t>(t),
              target.begin() + static_cast<std::ptrdiff_t>(firstT));
  }
  return {target, expanded(grid, source).labels};
}

LabelGrid taken(const LabelGrid& grid, DimIdx_t axis, DimSize_t extent, std::span<const std::int64_t> places) {
  if (grid.extents[axis] == 1 && extent != 1) return grid;
  const AxisSplit split = splitAt(grid.extents, axis);
  LabelGrid result{grid.extents, {}};
  result.extents[axis] = static_cast<DimSize_t>(places.size());
  for (std::size_t outer = 0; outer < split.outer; ++outer) {
    for (const std::int64_t place : places) {
      const auto from =
          grid.labels.begin() + static_cast<std::ptrdiff_t>((outer * split.extent + static_cast<std::size_t>(place)) * split.inner);
      result.labels.insert(result.labels.end(), from, from + static_cast<std::ptrdiff_t>(split.inner));
    }
  }
  return result;
}

std::vector<Label> labelsAlong(const LabelGrid& grid, DimIdx_t axis, DimSize_t extent) {
  Dims extents(grid.extents.size(), 1);
  extents[axis] = extent;
  std::vector<Label> labels;
  walk(grid, extents, [&](std::size_t offset, const Dims&) { labels.push_back(grid.labels[offset]); });
  return labels;
}

}  // namespace Aidge::detail
