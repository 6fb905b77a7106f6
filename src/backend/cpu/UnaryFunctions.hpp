#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "VectorLoops.hpp"

namespace Aidge::cpu {

/// A function of one number that an operator type stands for: y = f(x; a, b), with a and b attributes of the operator. Internal.
struct UnaryFunction {
  using Double = void (*)(const double* in, double* out, std::size_t n, double a, double b);

  std::string_view type;
  std::array<std::string_view, 2> parameters;  ///< attributes that are a and b ("" for none)
  std::optional<UnaryLoop> vector;             ///< the loop for float where there is a vectorised one
  VectorLoops::Unary single;                   ///< else this one
  Double wide;
};

/// All of them; GeLU's tanh form is the second entry of that type.
[[nodiscard]] std::span<const UnaryFunction> unaryFunctions();

}  // namespace Aidge::cpu
