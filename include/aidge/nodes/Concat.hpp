#pragma once

#include <string>

#include "aidge/core/Export.hpp"
#include "aidge/graph/MakeNode.hpp"

namespace Aidge {

/// Joins `nbInputs` tensors of one type along `axis`; all other dims agree. Throws std::invalid_argument where nbInputs is 0.
[[nodiscard]] AIDGE_EXPORT NodePtr Concat(IOIndex_t nbInputs, std::int64_t axis = 0, const std::string& name = "");

}  // namespace Aidge
