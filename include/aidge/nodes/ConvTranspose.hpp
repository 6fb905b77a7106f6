#pragma once

#include <array>
#include <string>

#include "aidge/core/Export.hpp"
#include "aidge/graph/MakeNode.hpp"
#include "aidge/nodes/Convolution.hpp"

namespace Aidge {

/// Transposed convolution (type "ConvTranspose<DIM>D") of (batch, inChannels, spatial …): x[n, c, p] · w[c, o, k] is added to y[n, o, p · stride + k · dilation - padding].
/// paddingDims (beginnings, then ends) crops the result; outputPadding widens it at the end. Comes with zero-filled producers
/// <name>_w (inChannels, outChannels / groups, kernel …) and, unless noBias, <name>_b (outChannels).
/// Throws std::invalid_argument if a count is below 1, groups does not divide both channel counts, or an output padding is not below stride or dilation.
template <std::size_t DIM>
[[nodiscard]] AIDGE_EXPORT NodePtr ConvTranspose(DimSize_t inChannels, DimSize_t outChannels, const std::array<DimSize_t, DIM>& kernelDims,
                                                 const std::string& name = "",
                                                 const std::array<DimSize_t, DIM>& strideDims = filled<DIM>(1),
                                                 const std::array<DimSize_t, DIM>& dilationDims = filled<DIM>(1), bool noBias = false,
                                                 const std::array<DimSize_t, 2 * DIM>& paddingDims = filled<2 * DIM>(0),
                                                 const std::array<DimSize_t, DIM>& outputPadding = filled<DIM>(0), DimSize_t groups = 1);

}  // namespace Aidge
