#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/graph/MakeNode.hpp"

namespace Aidge {

// Parts of a tensor, repetitions of it, and its blocks in another order: each element of the result is one of the data at a place that only attributes and dims
// decide. Where an input says what an attribute says too (starts, split, shape …), a connected input counts, and its value must be known before run time: a
// constant, or computed from dims and constants.

/// Part of the data along some axes, as NumPy's slices data[start:end:step] (type "Slice"): negative starts and ends count from the end, all are clamped,
/// steps may be negative but not 0. `axes` empty: the first ones; `steps` empty: 1. Optional inputs 1 to 4: starts, ends, axes, steps.
[[nodiscard]] AIDGE_EXPORT NodePtr Slice(const std::vector<std::int64_t>& starts = {}, const std::vector<std::int64_t>& ends = {},
                                         const std::vector<std::int64_t>& axes = {}, const std::vector<std::int64_t>& steps = {},
                                         const std::string& name = "");

/// The data cut along an axis into nbOutputs parts (type "Split"): of the extents `split`, or of equal ones where that is empty (the last one smaller where
/// the extent is no multiple). Optional input 1: split.
[[nodiscard]] AIDGE_EXPORT NodePtr Split(IOIndex_t nbOutputs, std::int64_t axis = 0, const std::vector<std::int64_t>& split = {},
                                         const std::string& name = "");

/// The data repeated to the dims that it and `shape` broadcast to (type "Expand"; ONNX: a 1 in `shape` keeps the data's extent). Optional input 1: shape.
[[nodiscard]] AIDGE_EXPORT NodePtr Expand(const std::vector<std::int64_t>& shape = {}, const std::string& name = "");
/// The data put side by side repeats[i] times along axis i (type "Tile"). Optional input 1: repeats.
[[nodiscard]] AIDGE_EXPORT NodePtr Tile(const std::vector<std::int64_t>& repeats = {}, const std::string& name = "");

/// Moves blocks of channels to space (type "DepthToSpace"): (N, C, H, W) to (N, C / b², H·b, W·b). mode "DCR": channel = (row · b + column) · C/b² + c;
/// "CRD": c · b² + row · b + column.
[[nodiscard]] AIDGE_EXPORT NodePtr DepthToSpace(std::int64_t blocksize, const std::string& mode = "DCR", const std::string& name = "");
/// Moves blocks of space to channels (type "SpaceToDepth"): (N, C, H, W) to (N, C·b², H/b, W/b); the inverse of DepthToSpace's "DCR".
[[nodiscard]] AIDGE_EXPORT NodePtr SpaceToDepth(std::int64_t blocksize, const std::string& name = "");

}  // namespace Aidge
