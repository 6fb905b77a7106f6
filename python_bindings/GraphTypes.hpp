#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "aidge/graph/GraphView.hpp"
#include "aidge/graph/Node.hpp"
#include "aidge/operator/Operator.hpp"

/// In Python a TensorRef is a tuple of node and index.
template <> struct pybind11::detail::type_caster<Aidge::TensorRef> {
  using Pair = std::pair<Aidge::NodePtr, Aidge::IOIndex_t>;
  PYBIND11_TYPE_CASTER(Aidge::TensorRef, make_caster<Pair>::name);

  bool load(handle source, bool convert) {
    make_caster<Pair> pair;
    if (!pair.load(source, convert)) return false;
    auto [node, index] = cast_op<Pair>(std::move(pair));
    value = {std::move(node), index};
    return true;
  }
  static handle cast(const Aidge::TensorRef& tensor, return_value_policy policy, handle parent) {
    return make_caster<Pair>::cast(Pair(tensor.node, tensor.index), policy, parent);
  }
};

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
[[nodiscard]] inline OptionalEdge optional(const TensorRef& edge) { return {optional(edge.node), edge.index}; }

}  // namespace Aidge::python
