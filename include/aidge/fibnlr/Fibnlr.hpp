#pragma once

#include "aidge/core/Export.hpp"
#include "aidge/fibnlr/Attributes.hpp"
#include "aidge/fibnlr/Compute.hpp"
#include "aidge/fibnlr/Groups.hpp"
#include "aidge/fibnlr/Nnpr.hpp"
#include "aidge/fibnlr/Parameters.hpp"
#include "aidge/fibnlr/Prepare.hpp"
#include "aidge/fibnlr/Prune.hpp"

namespace Aidge::fibnlr {

/// Fast Input-Based Non-Linearity pruning: prepare, compute, prune. Returns the removed activations. Measures, formulas and names are those of Eclipse
/// Aidge's recipe of that name (aidge#305, in release 0.10); docs/fibnlr.md says where this one differs.
/// Throws as the three do; after a failure graph, attributes and observers are as before the call.
AIDGE_EXPORT NodeSet fibnlr(const GraphViewPtr& model, DataProvider& provider, const Parameters& params = {},
                            const ProgressCallback& progress = {});

}  // namespace Aidge::fibnlr
