#include <exception>

#include "aidge/core/Errors.hpp"
#include "init.hpp"

namespace py = pybind11;

namespace Aidge::python {

void bindErrors(py::module_& m) {
  static PyObject* unsupported = nullptr;
  auto type = py::exception<UnsupportedError>(m, "UnsupportedError", PyExc_RuntimeError);
  type.attr("__doc__") = "An operator or a graph that the library or the chosen backend cannot handle; the text lists all offenders.";
  unsupported = type.inc_ref().ptr();

  py::register_exception_translator([](std::exception_ptr error) {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const UnsupportedError& e) {
      PyErr_SetString(unsupported, e.what());
    } catch (const MissingAttributeError& e) {
      PyErr_SetString(PyExc_KeyError, e.what());
    } catch (const InterruptedError& e) {
      PyErr_SetString(PyExc_KeyboardInterrupt, e.what());
    }
  });
}

}  // namespace Aidge::python
