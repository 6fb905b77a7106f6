#include "PyParameters.hpp"

#include <pybind11/native_enum.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "GraphTypes.hpp"
#include "aidge/core/Errors.hpp"

namespace py = pybind11;

namespace Aidge::python {
namespace {

using fibnlr::AblationCriteria;
using fibnlr::AblationMethod;
using fibnlr::GroupMethod;
using fibnlr::Method;
using fibnlr::NormalizationMethod;

constexpr const char* kWhere = "fibnlr::Parameters";

/// Python's negative integers are a ValueError with a name, not a TypeError.
std::uint64_t natural(std::int64_t value, const std::string& name) {
  if (value < 0) throwExpected(kWhere, name + " >= 0", std::to_string(value));
  return static_cast<std::uint64_t>(value);
}

/// A new dict, so that two objects never share one.
py::dict copied(const py::object& mapping) {
  if (mapping.is_none()) return {};
  return py::module_::import("builtins").attr("dict")(mapping);
}

/// The dict with names in the place of nodes, which cannot be pickled.
py::dict byName(const py::dict& assignments) {
  py::dict named;
  for (const auto& [key, value] : assignments) {
    if (py::isinstance<Node>(key)) {
      named[py::str(key.cast<NodePtr>()->name())] = value;
    } else {
      named[key] = value;
    }
  }
  return named;
}

/// Every parameter by its keyword; the constructor takes them back.
py::dict asDict(const PyParameters& self) {
  const fibnlr::Parameters& values = self.values;
  py::dict state;
  state["method"] = values.method;
  state["normalization"] = values.normalization;
  state["group"] = values.group;
  state["ablation_criteria"] = values.ablationCriteria;
  state["ablation_method"] = values.ablationMethod;
  state["ablation_threshold"] = values.ablationThreshold;
  state["ablation_x_least"] = values.ablationXLeast;
  state["ablation_min_kept"] = values.ablationMinKept;
  state["max_iteration"] = values.maxIteration;
  state["convergence_threshold"] = values.convergenceThreshold;
  state["group_assignments"] = copied(self.groupAssignments);
  state["prunable_types"] = values.prunableTypes;
  return state;
}

std::string repr(const PyParameters& self) {
  std::string text;
  for (const auto& [key, value] : asDict(self)) {
    const bool isEnum = py::isinstance(value, py::module_::import("enum").attr("Enum"));
    text += (text.empty() ? "" : ", ") + key.cast<std::string>() + "=" + std::string(isEnum ? py::str(value) : py::repr(value));
  }
  return "fibnlr_Parameters(" + text + ")";
}

NormalizationMethod chosen(std::optional<NormalizationMethod> normalization, std::optional<NormalizationMethod> normalisation) {
  if (normalization && normalisation && *normalization != *normalisation) {
    throwExpected(kWhere, "one of normalization and normalisation", "both, and they differ");
  }
  if (normalisation) return *normalisation;
  return normalization.value_or(fibnlr::Parameters{}.normalization);
}

/// A property over an unsigned member.
template <auto Member> void defineNatural(py::class_<PyParameters>& cls, const char* name, const char* doc) {
  cls.def_property(
      name, [](const PyParameters& self) { return self.values.*Member; },
      [name](PyParameters& self, std::int64_t value) { self.values.*Member = natural(value, name); }, doc);
}

template <auto Member> void defineValue(py::class_<PyParameters>& cls, const char* name, const char* doc) {
  using Value = std::decay_t<decltype(std::declval<fibnlr::Parameters>().*Member)>;
  cls.def_property(
      name, [](const PyParameters& self) { return self.values.*Member; },
      [](PyParameters& self, Value value) { self.values.*Member = std::move(value); }, doc);
}

void defineConstructor(py::class_<PyParameters>& cls) {
  const fibnlr::Parameters defaults;
  cls.def(py::init([](Method method, std::optional<NormalizationMethod> normalization, GroupMethod group, AblationCriteria criteria,
                      AblationMethod ablation, double threshold, std::int64_t xLeast, std::int64_t minKept, std::int64_t maxIteration,
                      double convergence, const std::optional<py::typing::Dict<py::typing::Union<Node, py::str>, py::int_>>& assignments,
                      std::vector<std::string> types, std::optional<NormalizationMethod> normalisation) {
            PyParameters self;
            self.values = {method,
                           chosen(normalization, normalisation),
                           group,
                           criteria,
                           ablation,
                           threshold,
                           natural(xLeast, "ablation_x_least"),
                           natural(minKept, "ablation_min_kept"),
                           natural(maxIteration, "max_iteration"),
                           convergence,
                           {},
                           std::move(types)};
            if (assignments) self.groupAssignments = copied(*assignments);
            self.toNative().validate();
            return self;
          }),
          py::kw_only(), py::arg("method") = defaults.method, py::arg("normalization") = py::none(), py::arg("group") = defaults.group,
          py::arg("ablation_criteria") = defaults.ablationCriteria, py::arg("ablation_method") = defaults.ablationMethod,
          py::arg("ablation_threshold") = defaults.ablationThreshold, py::arg("ablation_x_least") = defaults.ablationXLeast,
          py::arg("ablation_min_kept") = defaults.ablationMinKept, py::arg("max_iteration") = defaults.maxIteration,
          py::arg("convergence_threshold") = defaults.convergenceThreshold, py::arg("group_assignments") = py::none(),
          py::arg("prunable_types") = defaults.prunableTypes, py::arg("normalisation") = py::none(),
          "`normalization` (SUM) and `normalisation` are one parameter. ValueError where a value is out of range.");
}

void defineProperties(py::class_<PyParameters>& cls) {
  using P = fibnlr::Parameters;
  defineValue<&P::method>(cls, "method", "LOOSE: a group of one keeps its NPR.");
  defineValue<&P::normalization>(cls, "normalization", "How NPR becomes NNPR within a group.");
  defineValue<&P::normalization>(cls, "normalisation", "The same as `normalization`.");
  defineValue<&P::group>(cls, "group", "How activations are grouped.");
  defineValue<&P::ablationCriteria>(cls, "ablation_criteria", "Which activations are eligible.");
  defineValue<&P::ablationMethod>(cls, "ablation_method", "What happens to eligible activations; NONE is a dry run.");
  defineValue<&P::ablationThreshold>(cls, "ablation_threshold", "Eligible activations have NNPR < this; finite, >= 0.");
  defineNatural<&P::ablationXLeast>(cls, "ablation_x_least", "For X_LEAST_PER_GROUP.");
  defineNatural<&P::ablationMinKept>(cls, "ablation_min_kept", "Activations that stay in each group whatever the criterion.");
  defineNatural<&P::maxIteration>(cls, "max_iteration", "Batches at most; 0 = no limit.");
  defineValue<&P::convergenceThreshold>(cls, "convergence_threshold",
                                        "Converged once the sum of the squared changes of NPR is < this; >= 0.");
  defineValue<&P::prunableTypes>(cls, "prunable_types",
                                 "Operator types that may go, out of ReLU, LeakyReLU, GeLU, PReLU, Clip. Reading gives a copy.");
  using Assignments = py::typing::Dict<py::typing::Union<Node, py::str>, py::int_>;
  cls.def_property(
      "group_assignments", [](const PyParameters& self) { return py::reinterpret_borrow<Assignments>(self.groupAssignments); },
      [](PyParameters& self, const Assignments& value) { self.groupAssignments = copied(value); },
      "For GroupMethod.MANUAL: {node or node name: group}. May be edited in place; assigning copies.");
}

}  // namespace

fibnlr::Parameters PyParameters::toNative() const {
  fibnlr::Parameters result = values;
  for (const auto& [key, value] : groupAssignments) {
    if (!py::isinstance<py::int_>(value) || py::isinstance<py::bool_>(value)) {
      throwExpected(kWhere, "integers in group_assignments", std::string(py::repr(value)));
    }
    const std::uint64_t group = natural(value.cast<std::int64_t>(), "every value of group_assignments");
    if (py::isinstance<py::str>(key)) {
      result.groupAssignments.insert_or_assign(key.cast<std::string>(), group);
    } else if (py::isinstance<Node>(key)) {
      result.groupAssignments.insert_or_assign(key.cast<NodePtr>(), group);
    } else {
      throwExpected(kWhere, "nodes or node names as keys of group_assignments", std::string(py::repr(key)));
    }
  }
  return result;
}

void bindFibnlrEnums(py::module_& m) {
  py::native_enum<Method>(m, "Method", "enum.Enum", "Exceptions to the normalisation.")
      .value("STRICT", Method::Strict, "None.")
      .value("LOOSE", Method::Loose, "A group of one keeps its NPR.")
      .value("Strict", Method::Strict)
      .value("Loose", Method::Loose)
      .finalize();
  py::native_enum<NormalizationMethod>(m, "NormalizationMethod", "enum.Enum", "How NPR becomes NNPR within a group.")
      .value("NONE", NormalizationMethod::None, "v")
      .value("MIN_MAX", NormalizationMethod::MinMax, "(v - min) / (max - min)")
      .value("SUM", NormalizationMethod::Sum, "(v + eps) / (sum + eps)")
      .value("AVERAGE", NormalizationMethod::Average, "(v + eps) / (mean + eps)")
      .value("MinMax", NormalizationMethod::MinMax)
      .value("Sum", NormalizationMethod::Sum)
      .value("Average", NormalizationMethod::Average)
      .finalize();
  py::native_enum<GroupMethod>(m, "GroupMethod", "enum.Enum", "How activations are grouped.")
      .value("NONE", GroupMethod::None, "All in group 0.")
      .value("IMAGE_SIZE", GroupMethod::ImageSize, "By the product of the spatial dims.")
      .value("MANUAL", GroupMethod::Manual, "By group_assignments.")
      .value("ImageSize", GroupMethod::ImageSize)
      .value("Manual", GroupMethod::Manual)
      .finalize();
  py::native_enum<AblationCriteria>(m, "AblationCriteria", "enum.Enum", "Which activations are eligible.")
      .value("NONE", AblationCriteria::None, "None.")
      .value("X_LEAST_PER_GROUP", AblationCriteria::XLeastPerGroup,
             "Of each group the ablation_x_least smallest, if also below the threshold.")
      .value("THRESHOLD", AblationCriteria::Threshold, "All with NNPR < ablation_threshold.")
      .value("XLeastPerGroup", AblationCriteria::XLeastPerGroup)
      .value("Threshold", AblationCriteria::Threshold)
      .finalize();
  py::native_enum<AblationMethod>(m, "AblationMethod", "enum.Enum", "What happens to eligible activations.")
      .value("NONE", AblationMethod::None, "Nothing: a dry run.")
      .value("IDENTITY", AblationMethod::Identity, "An Identity of the same name takes the place.")
      .value("REMOVE", AblationMethod::Remove, "The parent is wired to the consumers.")
      .value("AFFINE", AblationMethod::Affine, "a * x + b a channel, fitted to the activation on data, takes the place.")
      .value("Identity", AblationMethod::Identity)
      .value("Remove", AblationMethod::Remove)
      .finalize();
}

void bindFibnlrParameters(py::module_& m) {
  py::class_<PyParameters> cls(m, "fibnlr_Parameters", "Everything that steers FIBNLR.");
  defineConstructor(cls);
  defineProperties(cls);
  cls.def_static(
         "paper", [] { return PyParameters{fibnlr::Parameters::paper(), {}}; },
         "The choices of the FIBNLR paper: LOOSE, AVERAGE, IMAGE_SIZE, X_LEAST_PER_GROUP, IDENTITY.")
      .def_static(
          "none", [] { return PyParameters{fibnlr::Parameters::none(), {}}; }, "STRICT, and every method NONE.")
      .def(
          "validate", [](const PyParameters& self) { self.toNative().validate(); },
          "ValueError, naming the parameter, where a value is out of range.")
      .def(
          "__eq__",
          [](const PyParameters& a, const PyParameters& b) { return a.values == b.values && a.groupAssignments.equal(b.groupAssignments); },
          py::is_operator())
      .def("__copy__", [](const PyParameters& self) { return PyParameters{self.values, copied(self.groupAssignments)}; })
      .def(
          "__deepcopy__",
          [](const PyParameters& self, const py::dict&) { return PyParameters{self.values, copied(self.groupAssignments)}; },
          py::arg("memo"))
      .def("__repr__", &repr)
      .def(py::pickle(
          [](const PyParameters& self) {
            py::dict state = asDict(self);
            state["group_assignments"] = byName(self.groupAssignments);
            return state;
          },
          [](const py::dict& state) { return py::type::of<PyParameters>()(**state).cast<PyParameters>(); }));
}

}  // namespace Aidge::python
