#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "PyTensor.hpp"
#include "aidge/graph/GraphView.hpp"
#include "aidge/scheduler/SequentialScheduler.hpp"
#include "init.hpp"

namespace py = pybind11;

namespace Aidge::python {
namespace {

using NodeOrName = std::variant<NodePtr, std::string>;

std::vector<Tensor> forward(SequentialScheduler& self, const std::optional<py::sequence>& data, bool /*forward_dims*/) {
  const std::vector<Tensor> tensors = data ? tensorsFromPython(*data) : std::vector<Tensor>{};
  const py::gil_scoped_release release;
  return self.forward(tensors);
}

NodePtr nodeOf(const SequentialScheduler& self, const NodeOrName& node) {
  return std::holds_alternative<NodePtr>(node) ? std::get<NodePtr>(node) : self.graph()->getNode(std::get<std::string>(node));
}

void keepOutputs(SequentialScheduler& self, const std::vector<NodeOrName>& nodes) {
  std::vector<NodePtr> kept;
  for (const NodeOrName& node : nodes) kept.push_back(nodeOf(self, node));
  const py::gil_scoped_release release;  // a running forward may wait for it
  self.keepOutputs(std::move(kept));
}

Tensor output(const SequentialScheduler& self, const NodeOrName& node, IOIndex_t index) {
  const NodePtr found = nodeOf(self, node);
  const py::gil_scoped_release release;
  return self.output(found, index);
}

void bindReports(py::module_& m) {
  py::class_<StepReport>(m, "StepReport", "One step of an execution plan.")
      .def_readonly("node", &StepReport::node, "Name of the main node.")
      .def_readonly("type", &StepReport::type, "Its operator type; \"Reorder\" where data only changes its memory order.")
      .def_readonly("fused", &StepReport::fused, "Names of the nodes that run inside this step.")
      .def_readonly("implementation", &StepReport::implementation, "The code that runs it.")
      .def_readonly("parts", &StepReport::parts, "Into how many parts of the batch it is cut.")
      .def_readonly("macs", &StepReport::macs, "Multiply-accumulates of one pass over the whole batch.")
      .def_readonly("seconds", &StepReport::seconds,
                    "Time spent in it while profiling was on, in seconds; where threads take parts of their own, their mean.")
      .def("__repr__",
           [](const StepReport& self) { return "StepReport(" + self.node + ", " + self.type + ", " + self.implementation + ")"; });
  py::class_<PlanReport>(m, "PlanReport", "How a graph is executed.")
      .def_readonly("steps", &PlanReport::steps, "In order of execution.")
      .def_readonly("arena_bytes", &PlanReport::arenaBytes, "Memory that the intermediate results share.")
      .def_readonly("weight_bytes", &PlanReport::weightBytes, "Memory of the packed parameters.")
      .def("__len__", [](const PlanReport& self) { return self.steps.size(); });
}

}  // namespace

void bindScheduler(py::module_& m) {
  bindReports(m);
  py::class_<SequentialScheduler>(
      m, "SequentialScheduler",
      "Runs a compiled graph. Notices every edit of the graph and keeps one plan for each of the last few input shapes.")
      .def(py::init<GraphViewPtr>(), py::arg("graph_view"), "ValueError if the graph has no backend: compile it first.")
      .def("forward", &forward, py::arg("data") = py::none(), py::kw_only(), py::arg("forward_dims") = true,
           "One pass. `data`: one array or Tensor a graph input, in order; extra trailing ones (labels) are ignored; None: the last data "
           "again.\n"
           "Returns the graph's outputs in order (row-major, float32) and shows them at the operators' outputs, where\n"
           "the run that finished last is seen; `output` tells this scheduler's own. Shapes are always inferred:\n"
           "`forward_dims` is accepted for compatibility. The GIL is released. ValueError where an array does not fit its input.")
      .def("keep_outputs", &keepOutputs, py::arg("nodes"),
           "Keeps these nodes' outputs (nodes or names) at every forward, for `output` and in their operators; replaces what was asked "
           "before.")
      .def(
          "output", &output, py::arg("node"), py::arg("output_idx") = 0,
          "What this scheduler's last forward left of a graph output or of a node (or name) of keep_outputs, whatever other schedulers of\n"
          "the graph do. ValueError for any other.")
      .def("set_profiling", &SequentialScheduler::setProfiling, py::arg("on") = true, py::call_guard<py::gil_scoped_release>(),
           "Times every step from now on.")
      .def("report", &SequentialScheduler::report, py::call_guard<py::gil_scoped_release>(),
           "How the last forward ran; empty before the first.")
      .def_property_readonly("graph_view", &SequentialScheduler::graph, "The graph that it runs.");
}

}  // namespace Aidge::python
