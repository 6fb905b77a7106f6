#pragma once

#include <pybind11/pybind11.h>

#include <memory>

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

}  // namespace Aidge::python
