#include <pybind11/pybind11.h>

#include "aidge/recipes/FuseBatchNorm.hpp"
#include "aidge/recipes/RemoveNodes.hpp"
#include "init.hpp"

namespace py = pybind11;

namespace Aidge::python {

void bindRecipes(py::module_& m) {
  m.def("remove_identity", &removeIdentity, py::arg("graph_view"), py::call_guard<py::gil_scoped_release>(),
        "Takes every Identity out, at whatever depth, and returns how many went. One that joins a graph input directly to a graph\n"
        "output stays.");
  m.def("remove_dropout", &removeDropout, py::arg("graph_view"), py::call_guard<py::gil_scoped_release>(),
        "Takes every Dropout out, at whatever depth, and returns how many went: at inference it does nothing.");
  m.def("fuse_batchnorm", &fuseBatchNorm, py::arg("graph_view"), py::call_guard<py::gil_scoped_release>(),
        "Folds every BatchNorm that follows a convolution, a transposed convolution or an FC into it, at whatever depth, and returns how\n"
        "many went. Layers whose output others use, or whose parameters are not constant, are left alone. Layers keep their names.");
}

}  // namespace Aidge::python
