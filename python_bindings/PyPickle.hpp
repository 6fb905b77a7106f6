#pragma once

#include <pybind11/pybind11.h>

#include <utility>

namespace Aidge::python {

/// py::pickle for every protocol of pickle: by itself it knows only those from 2 on, and ends the process on 0 and 1.
template <typename Class, typename GetState, typename SetState> void definePickle(Class& type, GetState getState, SetState setState) {
  type.def(pybind11::pickle(std::move(getState), std::move(setState)));
  type.def("__reduce_ex__", [](const pybind11::object& self, int /*protocol*/) -> pybind11::tuple {
    const auto make = pybind11::module_::import("copyreg").attr("__newobj__");
    return pybind11::make_tuple(make, pybind11::make_tuple(pybind11::type::of(self)), self.attr("__getstate__")());
  });
}

}  // namespace Aidge::python
