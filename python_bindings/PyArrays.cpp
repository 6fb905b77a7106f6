#include "PyArrays.hpp"

#include <string>

#include "aidge/core/Errors.hpp"

namespace py = pybind11;

namespace Aidge::python {

DoubleArray toArray(const std::vector<double>& values) { return DoubleArray(static_cast<py::ssize_t>(values.size()), values.data()); }

DoubleArray toMatrix(const std::vector<double>& values, std::size_t n) {
  const auto extent = static_cast<py::ssize_t>(n);
  return DoubleArray(std::vector<py::ssize_t>{extent, extent}, values.data());
}

std::size_t requireSquare(std::string_view where, const DoubleArray& matrix) {
  if (matrix.ndim() != 2 || matrix.shape(0) != matrix.shape(1)) {
    std::string dims;
    for (py::ssize_t axis = 0; axis < matrix.ndim(); ++axis) dims += (axis == 0 ? "" : ", ") + std::to_string(matrix.shape(axis));
    throwExpected(where, "a square matrix", "(" + dims + ")");
  }
  return static_cast<std::size_t>(matrix.shape(0));
}

}  // namespace Aidge::python
