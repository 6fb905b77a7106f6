#pragma once

#include <pybind11/pybind11.h>

#include "aidge/graph/Node.hpp"

namespace Aidge::python {

/// A Python callable as a hook: called with the node, or with nothing if it takes no positional argument. It runs with the GIL
/// held; what it raises leaves forward as it is. The node keeps the callable until the hook is removed.
[[nodiscard]] Node::Hook hookFromPython(const pybind11::function& callable);

}  // namespace Aidge::python
