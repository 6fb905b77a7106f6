#pragma once

#include <cstddef>

#include "aidge/core/Export.hpp"
#include "aidge/graph/GraphView.hpp"

namespace Aidge {

/// Takes every Identity out, at whatever depth, and wires its parent to its consumers; one that joins a graph input directly to a graph
/// output stays. Returns how many went. Idempotent. Throws std::invalid_argument if there is no graph.
AIDGE_EXPORT std::size_t removeIdentity(const GraphViewPtr& graph);
/// The same for Dropout, which does nothing at inference.
AIDGE_EXPORT std::size_t removeDropout(const GraphViewPtr& graph);

}  // namespace Aidge
