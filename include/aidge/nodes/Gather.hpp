#pragma once

#include <cstdint>
#include <string>

#include "aidge/core/Export.hpp"
#include "aidge/graph/MakeNode.hpp"

namespace Aidge {

// Elements at computed places.

/// Slices of the data (input 0) at the indices (input 1, int32 or int64, negative ones count from the end) of an axis (type "Gather"): dims are
/// data[:axis] + indices + data[axis + 1:]. Running throws std::invalid_argument if an index is out of range.
[[nodiscard]] AIDGE_EXPORT NodePtr Gather(std::int64_t axis = 0, const std::string& name = "");
/// out[i][j][k] = data[indices[i][j][k]][j][k] for axis 0, and so on (type "GatherElements"): the dims of the indices.
[[nodiscard]] AIDGE_EXPORT NodePtr GatherElements(std::int64_t axis = 0, const std::string& name = "");
/// The data at tuples of indices, the last axis of input 1 (type "GatherND"); the first `batchDims` axes are shared.
[[nodiscard]] AIDGE_EXPORT NodePtr GatherND(std::int64_t batchDims = 0, const std::string& name = "");
/// The data with updates (input 2) at indices (input 1) of an axis (type "ScatterElements"); reduction: "none", "add", "mul", "max" or "min".
[[nodiscard]] AIDGE_EXPORT NodePtr ScatterElements(std::int64_t axis = 0, const std::string& reduction = "none",
                                                   const std::string& name = "");
/// The data with updates (input 2) at tuples of indices, the last axis of input 1 (type "ScatterND").
[[nodiscard]] AIDGE_EXPORT NodePtr ScatterND(const std::string& reduction = "none", const std::string& name = "");
/// For each index i of the batch axis the first lengths[i] (input 1, int64) elements of the time axis in reverse order (type "ReverseSequence").
[[nodiscard]] AIDGE_EXPORT NodePtr ReverseSequence(std::int64_t batchAxis = 1, std::int64_t timeAxis = 0, const std::string& name = "");

}  // namespace Aidge
