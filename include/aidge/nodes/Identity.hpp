#pragma once

#include <string>

#include "aidge/core/Export.hpp"
#include "aidge/graph/MakeNode.hpp"

namespace Aidge {

/// Hands its input on.
[[nodiscard]] AIDGE_EXPORT NodePtr Identity(const std::string& name = "");
/// Hands its input on, as dropout does at inference; `ratio` in [0, 1] is kept for export.
[[nodiscard]] AIDGE_EXPORT NodePtr Dropout(double ratio = 0.5, const std::string& name = "");

}  // namespace Aidge
