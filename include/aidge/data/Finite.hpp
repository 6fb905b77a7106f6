#pragma once

#include <span>

#include "aidge/data/Tensor.hpp"

namespace Aidge {

/// Whether no value is NaN or infinite.
template <typename T> [[nodiscard]] bool allFinite(std::span<const T> values) {
  bool finite = true;
  for (const T value : values) finite &= value - value == T(0);  // not so for NaN and infinities
  return finite;
}

/// The same of a tensor; true where it holds no floating-point numbers, or no data.
[[nodiscard]] inline bool allFinite(const Tensor& tensor) {
  if (!tensor.hasData()) return true;
  if (tensor.dataType() == DataType::Float32) return allFinite(tensor.data<float>());
  if (tensor.dataType() == DataType::Float64) return allFinite(tensor.data<double>());
  return true;
}

}  // namespace Aidge
