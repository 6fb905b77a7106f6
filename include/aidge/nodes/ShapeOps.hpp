#pragma once

#include <limits>
#include <string>
#include <vector>

#include "aidge/graph/MakeNode.hpp"

namespace Aidge {

// Operators that change the shape of their input and none of its values.

/// (product of the dims before `axis`, product of the others).
[[nodiscard]] NodePtr Flatten(std::int64_t axis = 1, const std::string& name = "");
/// The values in their order under other dims: 0 copies the input's dim (or is 0 with allowzero), one -1 is inferred.
[[nodiscard]] NodePtr Reshape(const std::vector<std::int64_t>& shape = {}, bool allowzero = false, const std::string& name = "");
/// The dims of the data from axis `start` to axis `end` (not included; negative ones count from the end, all are clamped): int64, known before run time.
[[nodiscard]] NodePtr Shape(std::int64_t start = 0, std::int64_t end = std::numeric_limits<std::int64_t>::max(),
                            const std::string& name = "");
/// The number of elements of the data: an int64 scalar, known before run time.
[[nodiscard]] NodePtr Size(const std::string& name = "");
/// Axis i of the output is axis outputDimsOrder[i] of the input; empty reverses all axes.
[[nodiscard]] NodePtr Transpose(const std::vector<std::int64_t>& outputDimsOrder = {}, const std::string& name = "");
/// Without the given axes, which have extent 1; empty: without all of extent 1.
[[nodiscard]] NodePtr Squeeze(const std::vector<std::int64_t>& axes = {}, const std::string& name = "");
/// With new axes of extent 1 at these places of the output.
[[nodiscard]] NodePtr Unsqueeze(const std::vector<std::int64_t>& axes, const std::string& name = "");

}  // namespace Aidge
