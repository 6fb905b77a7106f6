#pragma once

#include "aidge/core/Export.hpp"
#include "aidge/fibnlr/Attributes.hpp"
#include "aidge/fibnlr/Parameters.hpp"
#include "aidge/graph/GraphView.hpp"

namespace Aidge::fibnlr {

/// Step 1: gives every prunable node, at whatever depth, a fresh NPR, ActivityTracker, NNPR (NaN) and Group, and observes its input from
/// now on, so that every forward adds to the NPR. A second call starts again from zero. Returns the prepared nodes.
/// Throws std::invalid_argument (parameters; no dims known; manual groups) and then leaves everything as it was.
AIDGE_EXPORT NodeSet prepare(const GraphViewPtr& model, const Parameters& params = {});

/// Takes every observer of FIBNLR off the graph; the attributes stay. Idempotent.
AIDGE_EXPORT void detach(const GraphViewPtr& model);

}  // namespace Aidge::fibnlr
