#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "GraphTypes.hpp"
#include "PyDataProvider.hpp"
#include "PyRef.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/recipes/FuseBatchNorm.hpp"
#include "aidge/recipes/FuseConvolution.hpp"
#include "aidge/recipes/RemoveNodes.hpp"
#include "init.hpp"

namespace py = pybind11;

namespace Aidge::python {
namespace {

using PyPolicy = std::variant<std::string, py::typing::Callable<py::object(const ConvolutionMerge&)>>;

/// The choice of that name. Throws std::invalid_argument with all names.
template <typename T> T chosen(const char* what, const std::string& name, const std::vector<std::pair<std::string, T>>& choices) {
  std::string names;
  for (const auto& [known, value] : choices) {
    if (known == name) return value;
    names += (names.empty() ? "\"" : ", \"") + known + "\"";
  }
  throwExpected("recipes::fuse_convolution", std::string(what) + " as one of " + names, "\"" + name + "\"");
}

void setPolicy(FusionOptions& options, const PyPolicy& policy) {
  if (const auto* name = std::get_if<std::string>(&policy)) {
    options.policy =
        chosen<FusionPolicy>("policy", *name, {{"exact_and_cheaper", FusionPolicy::ExactAndCheaper}, {"always", FusionPolicy::Always}});
    return;
  }
  const PyRef callback(std::get<1>(policy));
  options.accept = [callback](const ConvolutionMerge& merge) {
    const py::gil_scoped_acquire gil;
    return py::bool_(callback.object()(merge)).cast<bool>();
  };
}

FusionReport fuse(const GraphViewPtr& graph, const PyPolicy& policy, const std::string& border, const std::string& cost,
                  const std::optional<py::object>& data, const std::vector<Dims>& dims, std::int64_t repeats) {
  if (!graph) throwExpected("recipes::fuse_convolution", "a GraphView", "None");
  if (repeats < 0) throwExpected("recipes::fuse_convolution", "repeats >= 0", std::to_string(repeats));
  FusionOptions options;
  setPolicy(options, policy);
  options.border = chosen<BorderRule>("border", border,
                                      {{"refuse", BorderRule::Refuse},
                                       {"shift", BorderRule::Shift},
                                       {"image", BorderRule::Image},
                                       {"approximate", BorderRule::Approximate}});
  options.cost = chosen<FusionCost>("cost", cost, {{"macs", FusionCost::Macs}, {"latency", FusionCost::Latency}});
  options.dims = dims;
  options.repeats = static_cast<std::size_t>(repeats);
  std::optional<PythonDataProvider> provider;
  if (data) provider.emplace(*data, *graph);
  options.data = provider ? &*provider : nullptr;
  const py::gil_scoped_release release;
  return fuseConvolution(graph, options);
}

py::typing::Dict<py::str, py::object> toDict(const ConvolutionMerge& merge) {
  py::typing::Dict<py::str, py::object> result{py::dict()};
  result["name"] = py::cast(merge.name);
  result["type"] = py::cast(merge.type);
  result["nodes"] = py::cast(merge.nodes);
  result["border"] = py::cast(merge.border == BorderRule::Refuse ? std::string("exact") : std::string(toString(merge.border)));
  result["macs_before"] = py::cast(merge.macsBefore);
  result["macs_after"] = py::cast(merge.macsAfter);
  result["parameters_before"] = py::cast(merge.parametersBefore);
  result["parameters_after"] = py::cast(merge.parametersAfter);
  result["seconds_before"] = py::cast(merge.secondsBefore);
  result["seconds_after"] = py::cast(merge.secondsAfter);
  result["error"] = py::cast(merge.error);
  return result;
}

py::typing::Dict<py::str, py::object> toDict(const FusionReport& report) {
  py::typing::Dict<py::str, py::object> result{py::dict()};
  py::list merged;
  for (const ConvolutionMerge& merge : report.merged) merged.append(toDict(merge));
  py::list refused;
  for (const RefusedMerge& pair : report.refused) {
    py::dict entry;
    entry["first"] = pair.first;
    entry["second"] = pair.second;
    entry["reason"] = pair.reason;
    refused.append(entry);
  }
  result["merged"] = merged;
  result["refused"] = refused;
  result["macs_before"] = py::cast(report.macsBefore);
  result["macs_after"] = py::cast(report.macsAfter);
  result["uncounted"] = py::cast(report.uncounted);
  result["parameters_before"] = py::cast(report.parametersBefore);
  result["parameters_after"] = py::cast(report.parametersAfter);
  result["seconds_before"] = py::cast(report.secondsBefore);
  result["seconds_after"] = py::cast(report.secondsAfter);
  result["error"] = py::cast(report.error);
  return result;
}

void bindReport(py::module_& m) {
  py::class_<ConvolutionMerge>(
      m, "ConvolutionMerge",
      "A merge, made or proposed. MACs count one an element for channel-wise layers and sums, one a tap for average\n"
      "pooling; latency is in seconds for one forward pass of these layers alone.")
      .def_readonly("name", &ConvolutionMerge::name, "Of the new layer.")
      .def_readonly("type", &ConvolutionMerge::type, "Conv1D, Conv2D, Conv3D or FC.")
      .def_readonly("nodes", &ConvolutionMerge::nodes, "What it stands for, in order.")
      .def_property_readonly(
          "border",
          [](const ConvolutionMerge& self) {
            return self.border == BorderRule::Refuse ? std::string("exact") : std::string(toString(self.border));
          },
          "\"exact\", \"shift\" (exact, with the input shifted), \"image\" (exact, with an image added) or \"approximate\".")
      .def_readonly("macs_before", &ConvolutionMerge::macsBefore)
      .def_readonly("macs_after", &ConvolutionMerge::macsAfter)
      .def_readonly("parameters_before", &ConvolutionMerge::parametersBefore)
      .def_readonly("parameters_after", &ConvolutionMerge::parametersAfter)
      .def_readonly("seconds_before", &ConvolutionMerge::secondsBefore, "None where it was not measured.")
      .def_readonly("seconds_after", &ConvolutionMerge::secondsAfter)
      .def_readonly("error", &ConvolutionMerge::error,
                    "Of an approximate merge, at its output: largest difference relative to the largest value, on the data.")
      .def("to_dict", [](const ConvolutionMerge& self) { return toDict(self); })
      .def("__repr__", [](const ConvolutionMerge& self) {
        return py::str("ConvolutionMerge({}, nodes={}, macs={:.0f} -> {:.0f})")
            .format(self.name, self.nodes, self.macsBefore, self.macsAfter);
      });
  py::class_<RefusedMerge>(m, "RefusedMerge", "Two layers that follow each other and stay two.")
      .def_readonly("first", &RefusedMerge::first)
      .def_readonly("second", &RefusedMerge::second)
      .def_readonly("reason", &RefusedMerge::reason)
      .def("__repr__",
           [](const RefusedMerge& self) { return "RefusedMerge(" + self.first + ", " + self.second + ": " + self.reason + ")"; });
  py::class_<FusionReport>(m, "FusionReport", "What fuse_convolution did; `print(report)` shows a table.")
      .def_readonly("merged", &FusionReport::merged)
      .def_readonly("refused", &FusionReport::refused)
      .def_readonly("macs_before", &FusionReport::macsBefore, "Of the whole network.")
      .def_readonly("macs_after", &FusionReport::macsAfter)
      .def_readonly("uncounted", &FusionReport::uncounted, "How many operators the MACs leave out: their sizes are known only in a run.")
      .def_readonly("parameters_before", &FusionReport::parametersBefore)
      .def_readonly("parameters_after", &FusionReport::parametersAfter)
      .def_readonly("seconds_before", &FusionReport::secondsBefore, "One forward pass; None where it was not measured.")
      .def_readonly("seconds_after", &FusionReport::secondsAfter)
      .def_readonly("error", &FusionReport::error, "At the network's outputs, where some merge is approximate; else None.")
      .def(
          "to_dict", [](const FusionReport& self) { return toDict(self); }, "For JSON.")
      .def("__len__", [](const FusionReport& self) { return self.merged.size(); })
      .def("__str__", [](const FusionReport& self) { return toString(self); })
      .def("__repr__", [](const FusionReport& self) {
        return "FusionReport(" + std::to_string(self.merged.size()) + " merged, " + std::to_string(self.refused.size()) + " refused)";
      });
}

}  // namespace

void bindRecipes(py::module_& m) {
  m.def("remove_identity", &removeIdentity, py::arg("graph_view"), py::call_guard<py::gil_scoped_release>(),
        "Takes every Identity out, at whatever depth, and returns how many went. One that joins a graph input directly to a graph\n"
        "output stays.");
  m.def("remove_dropout", &removeDropout, py::arg("graph_view"), py::call_guard<py::gil_scoped_release>(),
        "Takes every Dropout out, at whatever depth, and returns how many went: at inference it does nothing.");
  m.def("fuse_batchnorm", &fuseBatchNorm, py::arg("graph_view"), py::call_guard<py::gil_scoped_release>(),
        "Folds every BatchNorm that follows a convolution, a transposed convolution or an FC into it, at whatever depth, and returns how\n"
        "many went. Layers whose output others use, or whose parameters are not constant, are left alone. Layers keep their names.");
  bindReport(m);
  m.def(
      "fuse_convolution", &fuse, py::arg("graph_view"), py::kw_only(), py::arg("policy") = "exact_and_cheaper",
      py::arg("border") = "refuse", py::arg("cost") = "macs", py::arg("data") = py::none(), py::arg("dims") = std::vector<Dims>{},
      py::arg("repeats") = 7,
      "Merges linear layers that follow each other into one convolution or FC: convolutions, BatchNorm, Mul/Add/Sub/Div by one value a\n"
      "channel, average pooling, zero Pad, FC; through Identity, Dropout and Flatten, past a global mean, and across residual sums whose\n"
      "branches are linear. Every chain is cut so that the whole is best.\n"
      "`policy`: \"exact_and_cheaper\" merges where the cost goes down; \"always\" makes the fewest operations; a callable gets each\n"
      "possible ConvolutionMerge and says whether it may be made (of those the fewest operations).\n"
      "`border`, where the second layer pads what the first one gives and plain merging is inexact: \"refuse\"; \"shift\" (exact by a\n"
      "shift of the input, where a pointwise first layer admits one); \"image\" (exact where only biases are in the way and the sizes are\n"
      "fixed: adds what they come to as an image); \"approximate\" (merges, and reports the error measured on `data`,\n"
      "batches as for fibnlr_compute).\n"
      "`cost`: \"macs\" or \"latency\" (measured). `dims`: of the inputs, one list each; by default as compiled or declared.\n"
      "`repeats`: forward passes of which latency is the median; 0: none is measured. After a failure the graph is as it was. ValueError\n"
      "where an option is unknown, dims are open, or there is no data for \"approximate\".");
}

}  // namespace Aidge::python
