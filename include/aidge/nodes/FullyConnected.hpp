#pragma once

#include <string>

#include "aidge/core/Export.hpp"
#include "aidge/graph/MakeNode.hpp"

namespace Aidge {

/// Fully connected layer (type "FC"): y = x · wᵀ + bias for x of (batch, …) flattened to (batch, inChannels); y is (batch, outChannels).
/// Comes with zero-filled producers <name>_w (outChannels, inChannels) and, unless noBias, <name>_b (outChannels).
/// Throws std::invalid_argument if a count is below 1.
[[nodiscard]] AIDGE_EXPORT NodePtr FC(DimSize_t inChannels, DimSize_t outChannels, bool noBias = false, const std::string& name = "");

/// alpha · A' · B' + beta · C for matrices A' (M, K) and B' (K, N), transposed as told; C is optional and broadcast to (M, N).
[[nodiscard]] AIDGE_EXPORT NodePtr Gemm(double alpha = 1.0, double beta = 1.0, bool transA = false, bool transB = false,
                                        const std::string& name = "");

}  // namespace Aidge
