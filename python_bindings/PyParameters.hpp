#pragma once

#include <pybind11/pybind11.h>

#include "aidge/fibnlr/Parameters.hpp"

namespace Aidge::python {

/// fibnlr_Parameters: the C++ struct, but for the group assignments, which stay a Python dict that the user may edit in place.
struct PyParameters {
  fibnlr::Parameters values;
  pybind11::dict groupAssignments;

  /// The C++ struct with the dict in it. Throws std::invalid_argument where a key is no node or name, or a value no integer >= 0.
  [[nodiscard]] fibnlr::Parameters toNative() const;
};

void bindFibnlrEnums(pybind11::module_& m);
void bindFibnlrParameters(pybind11::module_& m);

}  // namespace Aidge::python
