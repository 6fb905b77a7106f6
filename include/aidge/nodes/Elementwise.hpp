#pragma once

#include <string>

#include "aidge/core/Export.hpp"
#include "aidge/graph/MakeNode.hpp"

namespace Aidge {

// Elementwise on two inputs of one type; the output has their dims under NumPy's broadcasting.

/// a + b.
[[nodiscard]] AIDGE_EXPORT NodePtr Add(const std::string& name = "");
/// a - b.
[[nodiscard]] AIDGE_EXPORT NodePtr Sub(const std::string& name = "");
/// a · b.
[[nodiscard]] AIDGE_EXPORT NodePtr Mul(const std::string& name = "");
/// a / b; integers are truncated towards zero.
[[nodiscard]] AIDGE_EXPORT NodePtr Div(const std::string& name = "");

}  // namespace Aidge
