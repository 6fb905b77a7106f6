#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "GraphTypes.hpp"
#include "aidge/fibnlr/Attributes.hpp"

namespace Aidge::python {

/// None, a run-time relation, or the name of a compile-time one.
using PyRelation = std::optional<std::variant<Id, std::string>>;

[[nodiscard]] inline AttributeStore::Relation relationFromPython(const PyRelation& relation) {
  if (!relation) return {};
  if (const auto* id = std::get_if<Id>(&*relation)) return *id;
  return std::get<std::string>(*relation);
}

/// Defines fibnlr_{add,set,has,get,try_get}_<name> for a typed attribute whose class is bound with std::shared_ptr as its holder. What get
/// and try_get return shares the attribute: it sees later values, and outlives attribute, node and graph.
template <NodeAttribute T> void defineAttributesPythonBindings(pybind11::module_& m, std::string_view name) {
  namespace py = pybind11;
  const auto define = [&](const char* verb, auto function, const std::string& doc, const auto&... extra) {
    const std::string full = "fibnlr_" + std::string(verb) + "_" + std::string(name);
    m.def(full.c_str(), function, py::arg("node"), extra..., py::kw_only(), py::arg("relation") = py::none(), doc.c_str());
  };
  const std::string what = "the attribute \"" + std::string(T::name) + "\" of a node";
  define(
      "add", [](const NodePtr& node, const PyRelation& relation) { fibnlr::detail::storeOf(node).add<T>(relationFromPython(relation)); },
      "Adds " + what + " with its default value, or keeps the one that is there.");
  define(
      "set",
      [](const NodePtr& node, const T& value, const PyRelation& relation) {
        fibnlr::detail::storeOf(node).set<T>(relationFromPython(relation), value);
      },
      "Copies `value` into " + what + ", adding it where it is missing.", py::arg("value"));
  define(
      "has",
      [](const NodePtr& node, const PyRelation& relation) { return fibnlr::detail::storeOf(node).has<T>(relationFromPython(relation)); },
      "True where there is " + what + ".");
  define(
      "get",
      [](const NodePtr& node, const PyRelation& relation) {
        return fibnlr::detail::storeOf(node).get<T>(relationFromPython(relation), node->describe());
      },
      "Returns " + what + ", shared and not copied. KeyError where there is none.");
  define(
      "try_get",
      [](const NodePtr& node, const PyRelation& relation) {
        return optional(fibnlr::detail::storeOf(node).find<T>(relationFromPython(relation)));
      },
      "Returns " + what + ", shared and not copied, or None.");
}

}  // namespace Aidge::python
