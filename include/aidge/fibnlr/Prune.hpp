#pragma once

#include <span>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/data/DataProvider.hpp"
#include "aidge/fibnlr/Attributes.hpp"
#include "aidge/fibnlr/Parameters.hpp"
#include "aidge/graph/GraphView.hpp"

namespace Aidge::fibnlr {

/// Indices, ascending, of the entries that `params` makes eligible. Entries are in topological order, which breaks ties.
/// Of each group at least ablationMinKept entries, those of the largest NNPR, are never eligible.
[[nodiscard]] AIDGE_EXPORT std::vector<std::size_t> selectEligible(std::span<const double> nnpr, std::span<const Group> groups,
                                                                   const Parameters& params);

/// Step 3: takes out the eligible activations by their stored NNPR and Group (AblationMethod::None: only says which) and every observer of
/// FIBNLR off the graph. Returns them; they keep their attributes. Attributes of the nodes that stay are left as they are.
/// AblationMethod::Affine fits on `data`, which the other methods do not read: a pass for each activation.
/// Throws std::invalid_argument ("no NPR: compute must run first", or no data for Affine) and then leaves graph and observers as they were.
AIDGE_EXPORT NodeSet prune(const GraphViewPtr& model, const Parameters& params = {}, DataProvider* data = nullptr);

}  // namespace Aidge::fibnlr
