#include <pybind11/operators.h>
#include <pybind11/stl.h>

#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "AttributeBindings.hpp"
#include "GraphTypes.hpp"
#include "PyDataProvider.hpp"
#include "PyParameters.hpp"
#include "PyRef.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/fibnlr/Affine.hpp"
#include "aidge/fibnlr/Fibnlr.hpp"
#include "init.hpp"

namespace py = pybind11;

namespace Aidge::python {
namespace {

using fibnlr::ActivityTracker;
using fibnlr::Convergence;
using fibnlr::Group;
using fibnlr::NNPR;
using fibnlr::NPR;
using NodePySet = py::typing::Set<Node>;
using PyProgress = std::optional<py::typing::Callable<py::object(std::size_t, std::optional<double>, std::size_t)>>;

// --- attributes ----------------------------------------------------------------------------------------------------

void bindNpr(py::module_& m) {
  py::class_<NPR, statistics::SignBalance, std::shared_ptr<NPR>>(
      m, "NPR", "Negative/positive ratio at a node's input: sums of magnitudes over all batches.")
      .def(py::init([](double neg, double pos) { return NPR{{neg, pos}}; }), py::arg("neg") = 0.0, py::arg("pos") = 0.0)
      .def(py::self == py::self)
      .def(
          "__lt__", [](const NPR& a, const NPR& b) { return a < b; }, py::is_operator())
      .def("__copy__", [](const NPR& self) { return self; })
      .def(
          "__deepcopy__", [](const NPR& self, const py::dict&) { return self; }, py::arg("memo"))
      .def("__repr__", [](const NPR& self) { return py::str("NPR(neg={}, pos={})").format(self.neg, self.pos); })
      .def(py::pickle([](const NPR& self) { return std::pair(self.neg, self.pos); },
                      [](const std::pair<double, double>& state) { return NPR{{state.first, state.second}}; }));
  defineAttributesPythonBindings<NPR>(m, "npr");
}

void bindActivityTracker(py::module_& m) {
  const auto make = [](std::vector<bool> neurons) {
    ActivityTracker tracker;
    tracker.neurons = std::move(neurons);
    return tracker;
  };
  py::class_<ActivityTracker, statistics::ChannelActivity, std::shared_ptr<ActivityTracker>>(
      m, "ActivityTracker", "Which channels of a node's input were never > 0.")
      .def(py::init(make), py::arg("neurons") = std::vector<bool>{})
      .def(py::self == py::self)
      .def("__copy__", [](const ActivityTracker& self) { return self; })
      .def(
          "__deepcopy__", [](const ActivityTracker& self, const py::dict&) { return self; }, py::arg("memo"))
      .def("__repr__",
           [](const ActivityTracker& self) {
             return py::str("ActivityTracker({} of {} channels dead)").format(self.countDeadNeurons(), self.neurons.size());
           })
      .def(py::pickle([](const ActivityTracker& self) { return py::make_tuple(self.neurons); },
                      [make](const py::tuple& state) { return make(state[0].cast<std::vector<bool>>()); }));
  defineAttributesPythonBindings<ActivityTracker>(m, "activity_tracker");
}

void bindNnpr(py::module_& m) {
  py::class_<NNPR, std::shared_ptr<NNPR>>(m, "NNPR", "NPR normalised within its group; NaN from fibnlr_prepare until fibnlr_compute.")
      .def(py::init([](double value) { return NNPR{value}; }), py::arg("value") = 0.0)
      .def_readwrite("value", &NNPR::value)
      .def(py::self == py::self)
      .def(
          "__lt__", [](const NNPR& a, const NNPR& b) { return a < b; }, py::is_operator())
      .def("__copy__", [](const NNPR& self) { return self; })
      .def(
          "__deepcopy__", [](const NNPR& self, const py::dict&) { return self; }, py::arg("memo"))
      .def("__repr__", [](const NNPR& self) { return py::str("NNPR({})").format(self.value); })
      .def(py::pickle([](const NNPR& self) { return py::make_tuple(self.value); },
                      [](const py::tuple& state) { return NNPR{state[0].cast<double>()}; }));
  defineAttributesPythonBindings<NNPR>(m, "nnpr");
}

void bindGroup(py::module_& m) {
  py::class_<Group, std::shared_ptr<Group>>(m, "Group", "The group in which a node is normalised and ranked.")
      .def(py::init([](std::uint64_t id) { return Group{id}; }), py::arg("id") = 0)
      .def_readwrite("id", &Group::id)
      .def(py::self == py::self)
      .def(
          "__lt__", [](const Group& a, const Group& b) { return a < b; }, py::is_operator())
      .def("__hash__", [](const Group& self) { return py::hash(py::int_(self.id)); })
      .def("__copy__", [](const Group& self) { return self; })
      .def(
          "__deepcopy__", [](const Group& self, const py::dict&) { return self; }, py::arg("memo"))
      .def("__repr__", [](const Group& self) { return py::str("Group({})").format(self.id); })
      .def(py::pickle([](const Group& self) { return py::make_tuple(self.id); },
                      [](const py::tuple& state) { return Group{state[0].cast<std::uint64_t>()}; }));
  defineAttributesPythonBindings<Group>(m, "group");
}

// --- result of compute ---------------------------------------------------------------------------------------------

py::list valuesOf(const Convergence& self) { return py::cast(self.values); }

void bindConvergence(py::module_& m) {
  py::class_<Convergence> cls(m, "fibnlr_Convergence",
                              "What fibnlr_compute did: a sequence of the convergence values, one an iteration from the second on.");
  cls.def_readonly("converged", &Convergence::converged, "The last value was below convergence_threshold.")
      .def_readonly("iterations", &Convergence::iterations, "Batches run.")
      .def_property_readonly(
          "reason", [](const Convergence& self) { return std::string(toString(self.reason)); },
          "\"converged\", \"max_iteration\", \"out_of_data\" or \"stopped\" (by the progress callback).")
      .def_readonly("samples", &Convergence::samples, "Sum of the batch sizes.")
      .def_property_readonly(
          "values", [](const Convergence& self) { return self.values; }, "The values as a list.")
      .def("__len__", [](const Convergence& self) { return self.values.size(); })
      .def(
          "__getitem__",
          [](const Convergence& self, std::ptrdiff_t index) {
            const auto size = static_cast<std::ptrdiff_t>(self.values.size());
            if (index < -size || index >= size) throw py::index_error("index out of range");
            return self.values[static_cast<std::size_t>(index < 0 ? index + size : index)];
          },
          py::arg("index"))
      .def(
          "__getitem__", [](const Convergence& self, const py::slice& slice) { return py::typing::List<double>(valuesOf(self)[slice]); },
          py::arg("index"))
      .def("__iter__", [](const Convergence& self) { return py::typing::Iterator<double>(py::iter(valuesOf(self))); })
      .def(
          "__contains__", [](const Convergence& self, const py::object& value) { return valuesOf(self).contains(value); }, py::arg("value"))
      .def(
          "index", [](const Convergence& self, const py::object& value) { return valuesOf(self).attr("index")(value).cast<std::size_t>(); },
          py::arg("value"))
      .def(
          "count", [](const Convergence& self, const py::object& value) { return valuesOf(self).attr("count")(value).cast<std::size_t>(); },
          py::arg("value"))
      .def(
          "__eq__", [](const Convergence& a, const Convergence& b) { return a == b; }, py::is_operator())
      .def(
          "__eq__", [](const Convergence& a, const py::sequence& b) { return valuesOf(a).equal(py::list(b)); }, py::is_operator())
      .def("__repr__",
           [](const Convergence& self) {
             return py::str("fibnlr_Convergence({}, converged={}, iterations={}, reason={!r}, samples={})")
                 .format(self.values, self.converged, self.iterations, std::string(toString(self.reason)), self.samples);
           })
      .def(py::pickle(
          [](const Convergence& self) {
            return py::make_tuple(self.values, self.converged, self.iterations, static_cast<int>(self.reason), self.samples);
          },
          [](const py::tuple& state) {
            return Convergence{state[0].cast<std::vector<double>>(), state[1].cast<bool>(), state[2].cast<std::size_t>(),
                               static_cast<fibnlr::StopReason>(state[3].cast<int>()), state[4].cast<std::size_t>()};
          }));
  py::module_::import("collections.abc").attr("Sequence").attr("register")(cls);
}

// --- functions -----------------------------------------------------------------------------------------------------

NodePySet toSet(const fibnlr::NodeSet& nodes) {
  NodePySet result{py::set()};
  for (const NodePtr& node : nodes) result.add(node);
  return result;
}

fibnlr::Parameters native(const std::optional<PyParameters>& params) { return params ? params->toNative() : fibnlr::Parameters{}; }

/// Looks for Ctrl-C after every iteration, then asks the user's callback: only `return False` asks to stop.
fibnlr::ProgressCallback progressFrom(const PyProgress& progress) {
  std::optional<PyRef> callback;
  if (progress) callback.emplace(*progress);
  return [callback](const fibnlr::Progress& state) {
    const py::gil_scoped_acquire gil;
    checkSignals();
    if (!callback) return true;
    return !callback->object()(state.iteration, state.convergence, state.samples).is(py::bool_(false));
  };
}

void requireModel(const GraphViewPtr& model) {
  if (!model) throwExpected("fibnlr::fibnlr", "a GraphView", "None");
}

NodePySet runAll(const GraphViewPtr& model, const py::object& provider, const std::optional<PyParameters>& params,
                 const PyProgress& progress) {
  requireModel(model);
  PythonDataProvider batches(provider, *model);
  const fibnlr::Parameters parameters = native(params);
  const auto callback = progressFrom(progress);
  fibnlr::NodeSet removed;
  {
    const py::gil_scoped_release release;
    removed = fibnlr::fibnlr(model, batches, parameters, callback);
  }
  return toSet(removed);
}

Convergence compute(const GraphViewPtr& model, const py::object& provider, const std::optional<PyParameters>& params,
                    const PyProgress& progress) {
  requireModel(model);
  PythonDataProvider batches(provider, *model);
  const fibnlr::Parameters parameters = native(params);
  const auto callback = progressFrom(progress);
  const py::gil_scoped_release release;
  return fibnlr::compute(model, batches, parameters, callback);
}

py::typing::Dict<Node, double> computeNnpr(const GraphViewPtr& model, const std::optional<PyParameters>& params) {
  const fibnlr::Parameters parameters = native(params);
  const auto values = fibnlr::computeNNPR(model, parameters);
  py::typing::Dict<Node, double> result{py::dict()};
  for (const NodePtr& node : fibnlr::prunableNodes(model, parameters)) result[py::cast(node)] = values.at(node);
  return result;
}

std::vector<fibnlr::ActivationPair> pairsOf(const GraphViewPtr& original, const GraphViewPtr& model,
                                            const std::vector<std::string>& names) {
  if (!original || !model) throwExpected("fibnlr::affine", "a GraphView", "None");
  std::vector<fibnlr::ActivationPair> pairs;
  for (const std::string& name : names) pairs.push_back({model->getNode(name), original->getNode(name)});
  return pairs;
}

void bindSteps(py::module_& m) {
  m.def("fibnlr", &runAll, py::arg("model"), py::arg("provider"), py::arg("params") = py::none(), py::kw_only(),
        py::arg("progress") = py::none(),
        "Fast Input-Based Non-Linearity pruning: fibnlr_prepare, fibnlr_compute, fibnlr_prune. The model must be compiled.\n"
        "Returns the removed nodes. After a failure model, attributes and observers are as before the call.");
  m.def(
      "fibnlr_prepare",
      [](const GraphViewPtr& model, const std::optional<PyParameters>& params) { return toSet(fibnlr::prepare(model, native(params))); },
      py::arg("model"), py::arg("params") = py::none(),
      "Step 1: gives every prunable node a fresh NPR, ActivityTracker, NNPR (NaN) and Group, and observes its input from now on.\n"
      "Returns the prepared nodes. ValueError where parameters are wrong or the image sizes unknown (compile or forward dims first).");
  m.def(
      "fibnlr_compute", &compute, py::arg("model"), py::arg("provider"), py::arg("params") = py::none(), py::kw_only(),
      py::arg("progress") = py::none(),
      "Step 2: runs batches of a fresh pass over `provider` until converged, max_iteration or out of data; then sets the NNPRs.\n"
      "`provider`: an aidge_core.DataProvider or any iterable of batches; a batch is an array, a sequence whose leading entries feed the\n"
      "model's inputs in order, or a dict by input name. `progress(iteration, convergence, samples)` is called after every iteration\n"
      "(convergence is None after the first); `return False` stops. The GIL is released; Ctrl-C works between batches.\n"
      "After any failure (an exception of the provider, data that does not fit, NaN or infinity …) all attributes are as before the call.");
  m.def(
      "fibnlr_prune",
      [](const GraphViewPtr& model, const std::optional<PyParameters>& params, const std::optional<py::object>& provider) {
        if (!provider) return toSet(fibnlr::prune(model, native(params)));
        PythonDataProvider batches(*provider, *model);
        fibnlr::NodeSet removed;
        {
          const auto parameters = native(params);
          const py::gil_scoped_release release;
          removed = fibnlr::prune(model, parameters, &batches);
        }
        return toSet(removed);
      },
      py::arg("model"), py::arg("params") = py::none(), py::arg("provider") = py::none(),
      "Step 3: takes out the eligible activations by their stored NNPR and Group (AblationMethod.NONE: only says which) and every "
      "observer\n"
      "of FIBNLR off the model. Returns them. AblationMethod.AFFINE fits on `provider` (batches as for fibnlr_compute), a pass for each\n"
      "activation. ValueError before fibnlr_compute.");
  m.def(
      "fibnlr_fit_affine",
      [](const GraphViewPtr& model, const py::object& provider, const std::vector<std::string>& activations) {
        PythonDataProvider batches(provider, *model);
        const auto pairs = pairsOf(model, model, activations);
        const py::gil_scoped_release release;
        std::vector<double> residuals;
        for (const auto& fit : fibnlr::fitAffine(model, model, pairs, batches)) residuals.push_back(fit.residual());
        return residuals;
      },
      py::arg("model"), py::arg("provider"), py::arg("activations"),
      "For each activation (by name) the variance of f(x) that the best a * x + b a channel leaves, relative to its variance. One pass.");
  m.def(
      "fibnlr_replace_by_affine",
      [](const GraphViewPtr& original, const GraphViewPtr& model, const py::object& provider, const std::vector<std::string>& activations) {
        PythonDataProvider batches(provider, *model);
        const auto pairs = pairsOf(original, model, activations);
        std::vector<std::tuple<std::string, std::string, double>> result;
        const py::gil_scoped_release release;
        for (const auto& done : fibnlr::replaceByAffine(original, model, pairs, batches)) {
          result.emplace_back(done.activation, done.layer, done.residual);
        }
        return result;
      },
      py::arg("original"), py::arg("model"), py::arg("provider"), py::arg("activations"),
      "Replaces activations (by name, in topological order) of `model` by a * x + b a channel, fitted to what they give in `original`\n"
      "from what arrives at them in `model` then; folded into the layer before where nothing else reads that. Returns (activation, layer\n"
      "that took it over or \"\", variance that it leaves relative to that of f(x)) each. A failed call changes nothing.");
}

}  // namespace

void bindFibnlr(py::module_& m) {
  bindFibnlrEnums(m);
  bindNpr(m);
  bindNnpr(m);
  bindActivityTracker(m);
  bindGroup(m);
  bindFibnlrParameters(m);
  bindConvergence(m);
  bindSteps(m);
  m.def("fibnlr_compute_NNPR", &computeNnpr, py::arg("model"), py::arg("params") = py::none(),
        "Recomputes groups and NNPRs from the stored NPRs, without data; stores and returns them in topological order.");
  m.def(
      "fibnlr_find_groups",
      [](const GraphViewPtr& model) {
        py::typing::Set<Group> groups{py::set()};
        for (const Group group : fibnlr::findGroups(model)) groups.add(group);
        return groups;
      },
      py::arg("model"), "All groups that nodes carry.");
  m.def(
      "fibnlr_find_node_by_group",
      [](const GraphViewPtr& model, const Group& group) { return toSet(fibnlr::findNodeByGroup(model, group)); }, py::arg("model"),
      py::arg("group"), "The nodes of a group.");
  m.def(
      "fibnlr_find_node_by_group",
      [](const GraphViewPtr& model, std::uint64_t group) { return toSet(fibnlr::findNodeByGroup(model, {group})); }, py::arg("model"),
      py::arg("group"));
  m.def("fibnlr_compare_NNPR", &fibnlr::compareNNPR, py::arg("a"), py::arg("b"), "True if a's NNPR is smaller than b's.");
  m.attr("NormalisationMethod") = m.attr("NormalizationMethod");
  for (const char* name : {"Method", "NormalizationMethod", "NormalisationMethod", "GroupMethod", "AblationCriteria", "AblationMethod",
                           "NPR", "NNPR", "ActivityTracker", "Group"}) {
    m.attr(("fibnlr_" + std::string(name)).c_str()) = m.attr(name);
  }
}

}  // namespace Aidge::python
