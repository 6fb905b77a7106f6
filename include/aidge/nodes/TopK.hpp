#pragma once

#include <cstdint>
#include <string>

#include "aidge/core/Export.hpp"
#include "aidge/graph/MakeNode.hpp"

namespace Aidge {

/// The k largest (or smallest) values along an axis and their indices, int64 (type "TopK", outputs values and indices), sorted from the best on; of equal
/// values the lower index comes first. Optional input 1: k, known before run time.
[[nodiscard]] AIDGE_EXPORT NodePtr TopK(std::int64_t k, std::int64_t axis = -1, bool largest = true, const std::string& name = "");

}  // namespace Aidge
