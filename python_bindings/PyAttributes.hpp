#pragma once

#include <pybind11/pybind11.h>

#include <string_view>

#include "aidge/operator/Operator.hpp"

namespace Aidge::python {

/// bool, int, float, str, a list of one of the last three, or an array. Throws std::invalid_argument naming the attribute for anything else.
[[nodiscard]] AttributeValue attributeFromPython(std::string_view name, pybind11::handle value);
[[nodiscard]] pybind11::object attributeToPython(const AttributeValue& value);
[[nodiscard]] AttributeMap attributesFromPython(const pybind11::dict& values);
[[nodiscard]] pybind11::dict attributesToPython(const AttributeMap& values);

/// Free-form values that a user attaches to a node from Python; they travel with clones of the node.
struct Annotations {
  static constexpr std::string_view name = "annotations";
  AttributeMap values;
};

}  // namespace Aidge::python
