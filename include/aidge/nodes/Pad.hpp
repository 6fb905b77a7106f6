#pragma once

#include <string>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/graph/MakeNode.hpp"

namespace Aidge {

/// Adds elements around the input: pads holds the counts before every axis, then those after (of `axes`, or of all if that is empty).
/// mode: "constant" fills in `value`, and negative counts crop; "reflect" mirrors without repeating the border, "edge" repeats it, "wrap" goes on
/// at the other end. Throws std::invalid_argument for another mode.
[[nodiscard]] AIDGE_EXPORT NodePtr Pad(const std::vector<std::int64_t>& pads, const std::string& mode = "constant", double value = 0.0,
                                       const std::vector<std::int64_t>& axes = {}, const std::string& name = "");

}  // namespace Aidge
