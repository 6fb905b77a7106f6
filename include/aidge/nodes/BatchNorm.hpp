#pragma once

#include <string>

#include "aidge/core/Export.hpp"
#include "aidge/graph/MakeNode.hpp"

namespace Aidge {

/// Batch normalisation with fixed statistics (type "BatchNorm<DIM>D") of (batch, nbFeatures, …):
/// y = scale · (x - mean) / sqrt(variance + epsilon) + shift, a channel at a time.
/// Comes with producers of (nbFeatures): <name>_scale (1), <name>_shift (0), <name>_mean (0), <name>_var (1).
/// Throws std::invalid_argument where nbFeatures < 1, epsilon < 0 or trainingMode is set (there is no training here).
template <std::size_t DIM>
[[nodiscard]] AIDGE_EXPORT NodePtr BatchNorm(DimSize_t nbFeatures, double epsilon = 1e-5, double momentum = 0.1, bool trainingMode = false,
                                             const std::string& name = "");

}  // namespace Aidge
