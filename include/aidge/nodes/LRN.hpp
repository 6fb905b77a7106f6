#pragma once

#include <string>

#include "aidge/core/Export.hpp"
#include "aidge/graph/MakeNode.hpp"

namespace Aidge {

/// Local response normalisation of (batch, channels, …) across `size` neighbouring channels c' in [c - floor((size - 1) / 2), c + ceil((size - 1) / 2)]:
/// y = x / (bias + alpha / size · sum of x[c']²)^beta. Throws std::invalid_argument where size < 1.
[[nodiscard]] AIDGE_EXPORT NodePtr LRN(std::int64_t size, double alpha = 1e-4, double beta = 0.75, double bias = 1.0,
                                       const std::string& name = "");

}  // namespace Aidge
