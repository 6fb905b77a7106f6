#pragma once

#include <string>

#include "aidge/graph/MakeNode.hpp"

namespace Aidge {

// Elementwise on two inputs of one type; the output has their dims under NumPy's broadcasting.

/// a + b.
[[nodiscard]] NodePtr Add(const std::string& name = "");
/// a - b.
[[nodiscard]] NodePtr Sub(const std::string& name = "");
/// a · b.
[[nodiscard]] NodePtr Mul(const std::string& name = "");
/// a / b; integers are truncated towards zero.
[[nodiscard]] NodePtr Div(const std::string& name = "");

}  // namespace Aidge
