#pragma once

#include <limits>
#include <string>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/graph/MakeNode.hpp"

namespace Aidge {

// Operators that change the shape of their input and none of its values.

/// (product of the dims before `axis`, product of the others).
[[nodiscard]] AIDGE_EXPORT NodePtr Flatten(std::int64_t axis = 1, const std::string& name = "");
/// The values in their order under other dims: 0 copies the input's dim (or is 0 with allowzero), one -1 is inferred.
[[nodiscard]] AIDGE_EXPORT NodePtr Reshape(const std::vector<std::int64_t>& shape = {}, bool allowzero = false,
                                           const std::string& name = "");
/// The dims of the data from axis `start` to axis `end` (not included; negative ones count from the end, all are clamped): int64, known before run time.
[[nodiscard]] AIDGE_EXPORT NodePtr Shape(std::int64_t start = 0, std::int64_t end = std::numeric_limits<std::int64_t>::max(),
                                         const std::string& name = "");
/// The number of elements of the data: an int64 scalar, known before run time.
[[nodiscard]] AIDGE_EXPORT NodePtr Size(const std::string& name = "");
/// Axis i of the output is axis outputDimsOrder[i] of the input; empty reverses all axes.
[[nodiscard]] AIDGE_EXPORT NodePtr Transpose(const std::vector<std::int64_t>& outputDimsOrder = {}, const std::string& name = "");
/// Without the given axes, which have extent 1; empty: without all of extent 1.
[[nodiscard]] AIDGE_EXPORT NodePtr Squeeze(const std::vector<std::int64_t>& axes = {}, const std::string& name = "");
/// With new axes of extent 1 at these places of the output.
[[nodiscard]] AIDGE_EXPORT NodePtr Unsqueeze(const std::vector<std::int64_t>& axes, const std::string& name = "");

}  // namespace Aidge
