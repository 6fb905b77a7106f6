#pragma once

#include <string>

#include "aidge/core/Export.hpp"
#include "aidge/graph/MakeNode.hpp"

namespace Aidge {

/// exp(x) / (sum of exp(x) along `axis`); a negative axis counts from the last one.
[[nodiscard]] AIDGE_EXPORT NodePtr Softmax(std::int64_t axis = -1, const std::string& name = "");

}  // namespace Aidge
