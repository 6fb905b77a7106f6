#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <string>
#include <vector>

#include "init.hpp"

namespace py = pybind11;

namespace {

/// Every public name of the module, so that `from aidge_core._core import *` and the package's `__all__` follow the bindings.
std::vector<std::string> publicNames(const py::module_& m) {
  std::vector<std::string> names;
  for (const auto& entry : m.attr("__dict__").cast<py::dict>()) {
    auto name = entry.first.cast<std::string>();
    if (!name.starts_with('_')) names.push_back(std::move(name));
  }
  return names;
}

/// pickle's protocols 0 and 1 call the base of all pybind11 classes, which ends the process; protocol 2's way serves them too.
void pickleAtLeastByProtocol2(const py::module_& m) {
  const auto reduce = py::module_::import("builtins").attr("object").attr("__reduce_ex__");
  const auto metaclass = py::type::of(m.attr("Tensor"));
  for (const auto& entry : m.attr("__dict__").cast<py::dict>()) {
    if (!py::isinstance(entry.second, metaclass)) continue;
    const py::cpp_function reduceEx([reduce](const py::object& self, int protocol) { return reduce(self, std::max(protocol, 2)); },
                                    py::name("__reduce_ex__"), py::is_method(entry.second), py::arg("protocol"));
    py::setattr(entry.second, "__reduce_ex__", reduceEx);
  }
}

}  // namespace

PYBIND11_MODULE(_core, m) {
  using namespace Aidge::python;
  m.doc() = "The native part of aidge_core: tensors, graphs, operators, execution, statistics and graph rewriting.";
  m.attr("__version__") = AIDGE_VERSION;
  bindErrors(m);
  bindData(m);
  declareGraphTypes(m);
  bindNode(m);
  bindGraph(m);
  bindOperator(m);
  bindOperatorFactories(m);
  bindGeneric(m);
  bindScheduler(m);
  bindStatistics(m);
  bindCovariance(m);
  bindRecipes(m);
  bindChannels(m);
  bindFibnlr(m);
  bindConvolutionHelpers(m);
  bindPfa(m);
  bindCompress(m);
  pickleAtLeastByProtocol2(m);
  m.attr("__all__") = publicNames(m);
}
