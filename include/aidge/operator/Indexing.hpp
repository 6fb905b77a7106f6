#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "aidge/operator/Operator.hpp"

namespace Aidge {

// Parts of a tensor, and elements at computed places. Where an input says what an attribute says too (starts, split …), a connected input counts, and its value
// must be known before run time: a constant, or computed from dims and constants.

/// Part of the data along some axes, as NumPy's slices data[start:end:step] (type "Slice"): negative starts and ends count from the end, all are clamped,
/// steps may be negative but not 0. `axes` empty: the first ones; `steps` empty: 1. Optional inputs 1 to 4: starts, ends, axes, steps.
[[nodiscard]] NodePtr Slice(const std::vector<std::int64_t>& starts = {}, const std::vector<std::int64_t>& ends = {},
                            const std::vector<std::int64_t>& axes = {}, const std::vector<std::int64_t>& steps = {},
                            const std::string& name = "");

/// The data cut along an axis into nbOutputs parts (type "Split"): of the extents `split`, or of equal ones where that is empty (the last one smaller where
/// the extent is no multiple). Optional input 1: split.
[[nodiscard]] NodePtr Split(IOIndex_t nbOutputs, std::int64_t axis = 0, const std::vector<std::int64_t>& split = {},
                            const std::string& name = "");

/// Slices of the data (input 0) at the indices (input 1, int32 or int64, negative ones count from the end) of an axis (type "Gather"): dims are
/// data[:axis] + indices + data[axis + 1:]. Running throws std::invalid_argument where an index is out of range.
[[nodiscard]] NodePtr Gather(std::int64_t axis = 0, const std::string& name = "");
/// out[i][j][k] = data[indices[i][j][k]][j][k] for axis 0, and so on (type "GatherElements"): the dims of the indices.
[[nodiscard]] NodePtr GatherElements(std::int64_t axis = 0, const std::string& name = "");
/// The data at tuples of indices, the last axis of input 1 (type "GatherND"); the first `batchDims` axes are shared.
[[nodiscard]] NodePtr GatherND(std::int64_t batchDims = 0, const std::string& name = "");
/// The data with updates (input 2) at indices (input 1) of an axis (type "ScatterElements"); reduction: "none", "add", "mul", "max" or "min".
[[nodiscard]] NodePtr ScatterElements(std::int64_t axis = 0, const std::string& reduction = "none", const std::string& name = "");
/// The data with updates (input 2) at tuples of indices, the last axis of input 1 (type "ScatterND").
[[nodiscard]] NodePtr ScatterND(const std::string& reduction = "none", const std::string& name = "");

/// Which elements of an axis a Slice takes: start, start + step … (`extent` of them).
struct SliceRange {
  DimSize_t start = 0;
  DimSize_t step = 1;
  DimSize_t extent = 0;
};
/// One range an axis. Throws std::invalid_argument where the lists do not fit.
[[nodiscard]] std::vector<SliceRange> resolveSlice(const Operator& op, std::span<const TensorInfo> inputs);
/// Extents of a Split's outputs along its axis. Throws std::invalid_argument where they do not add up.
[[nodiscard]] Dims resolveSplit(const Operator& op, std::span<const TensorInfo> inputs);

}  // namespace Aidge
