#pragma once

#include <span>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/fibnlr/Attributes.hpp"
#include "aidge/fibnlr/Parameters.hpp"
#include "aidge/graph/GraphView.hpp"

namespace Aidge::fibnlr {

/// NNPR of each NPR, normalised within its group (formulas: NormalizationMethod). `groups[i]` is the group of `ratios[i]`.
///  * Method::Loose: a group of one keeps its value.
///  * A group in which nothing negative was ever seen (and something positive was, by every member): Sum 1 / size, Average 1.
///  * MinMax without spread, a group of one included: 1, so that nothing goes without evidence.
/// Throws std::invalid_argument if the sizes differ or a ratio is infinite or NaN.
[[nodiscard]] AIDGE_EXPORT std::vector<double> normalize(std::span<const NPR> ratios, std::span<const Group> groups,
                                                         NormalizationMethod normalization, Method method);

/// Recomputes groups and NNPR of every prunable node from the stored NPRs, stores both as attributes and returns the NNPRs; needs no data.
/// Throws std::invalid_argument if a node has no NPR (prepare first), or an infinite or NaN one (naming it), and as groupsOf.
AIDGE_EXPORT NodeMap<double> computeNNPR(const GraphViewPtr& model, const Parameters& params);

}  // namespace Aidge::fibnlr
