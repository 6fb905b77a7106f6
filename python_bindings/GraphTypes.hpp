#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "aidge/graph/GraphView.hpp"
#include "aidge/graph/Node.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge::python {

using OperatorPtr = std::shared_ptr<Operator>;
using NodeClass = pybind11::class_<Node, NodePtr>;
using GraphViewClass = pybind11::class_<GraphView, GraphViewPtr>;
using OperatorClass = pybind11::class_<Operator, OperatorPtr>;

/// The class that declareGraphTypes made.
template <typename Class> [[nodiscard]] Class declared(const pybind11::module_& m, const char* name) {
  return pybind11::reinterpret_borrow<Class>(m.attr(name));
}

/// A pointer that may be null, for a signature that says so ("Node | None").
template <typename T> [[nodiscard]] std::optional<std::shared_ptr<T>> optional(std::shared_ptr<T> pointer) {
  return pointer ? std::optional(std::move(pointer)) : std::nullopt;
}

/// (parent or None, output index).
using OptionalEdge = std::pair<std::optional<NodePtr>, IOIndex_t>;
[[nodiscard]] inline OptionalEdge optional(const Node::Edge& edge) { return {optional(edge.first), edge.second}; }

}  // namespace Aidge::python
