#pragma once

#include <string>

#include "aidge/core/Export.hpp"
#include "aidge/graph/MakeNode.hpp"

namespace Aidge {

/// Matrix product by NumPy's rules: (…, M, K) · (…, K, N) with the leading axes broadcast; a vector counts as one row (left) or column (right).
[[nodiscard]] AIDGE_EXPORT NodePtr MatMul(const std::string& name = "");

}  // namespace Aidge
