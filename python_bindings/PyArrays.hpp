#pragma once

#include <pybind11/numpy.h>

#include <span>
#include <string_view>
#include <vector>

namespace Aidge::python {

/// Any real array, as C-contiguous float64.
using DoubleArray = pybind11::array_t<double, pybind11::array::c_style | pybind11::array::forcecast>;

[[nodiscard]] inline std::span<const double> spanOf(const DoubleArray& array) {
  return {array.data(), static_cast<std::size_t>(array.size())};
}
/// A NumPy array of its own memory: one axis, or (n, n).
[[nodiscard]] DoubleArray toArray(const std::vector<double>& values);
[[nodiscard]] DoubleArray toMatrix(const std::vector<double>& values, std::size_t n);
/// n for an array (n, n); throws std::invalid_argument for others.
std::size_t requireSquare(std::string_view where, const DoubleArray& matrix);

}  // namespace Aidge::python
