#pragma once

#include <array>
#include <string>

#include "aidge/core/Export.hpp"
#include "aidge/graph/MakeNode.hpp"

namespace Aidge {

/// A window parameter with one entry a spatial axis, all the same.
template <std::size_t N> [[nodiscard]] constexpr std::array<DimSize_t, N> filled(DimSize_t value) {
  std::array<DimSize_t, N> result{};
  for (DimSize_t& entry : result) entry = value;
  return result;
}

/// Convolution (type "Conv<DIM>D") of (batch, inChannels, spatial …) without padding:
/// y[n, o, p] = bias[o] + sum over c, k of w[o, c, k] · x[n, c, p · stride + k · dilation].
/// Comes with zero-filled producers <name>_w (outChannels, inChannels / groups, kernel …) and, unless noBias, <name>_b (outChannels).
/// Throws std::invalid_argument if a count is below 1 or groups does not divide both channel counts.
template <std::size_t DIM>
[[nodiscard]] AIDGE_EXPORT NodePtr Conv(DimSize_t inChannels, DimSize_t outChannels, const std::array<DimSize_t, DIM>& kernelDims,
                                        const std::string& name = "", const std::array<DimSize_t, DIM>& strideDims = filled<DIM>(1),
                                        const std::array<DimSize_t, DIM>& dilationDims = filled<DIM>(1), bool noBias = false,
                                        DimSize_t groups = 1);

/// Conv with zero padding: paddingDims holds the beginnings of all spatial axes, then their ends.
template <std::size_t DIM>
[[nodiscard]] AIDGE_EXPORT NodePtr PaddedConv(DimSize_t inChannels, DimSize_t outChannels, const std::array<DimSize_t, DIM>& kernelDims,
                                              const std::string& name = "", const std::array<DimSize_t, DIM>& strideDims = filled<DIM>(1),
                                              const std::array<DimSize_t, 2 * DIM>& paddingDims = filled<2 * DIM>(0),
                                              const std::array<DimSize_t, DIM>& dilationDims = filled<DIM>(1), bool noBias = false,
                                              DimSize_t groups = 1);

/// Conv with a filter of its own for every channel (groups = nbChannels).
template <std::size_t DIM>
[[nodiscard]] AIDGE_EXPORT NodePtr ConvDepthWise(DimSize_t nbChannels, const std::array<DimSize_t, DIM>& kernelDims,
                                                 const std::string& name = "",
                                                 const std::array<DimSize_t, DIM>& strideDims = filled<DIM>(1),
                                                 const std::array<DimSize_t, DIM>& dilationDims = filled<DIM>(1), bool noBias = false);

/// PaddedConv with a filter of its own for every channel.
template <std::size_t DIM>
[[nodiscard]] AIDGE_EXPORT NodePtr PaddedConvDepthWise(DimSize_t nbChannels, const std::array<DimSize_t, DIM>& kernelDims,
                                                       const std::string& name = "",
                                                       const std::array<DimSize_t, DIM>& strideDims = filled<DIM>(1),
                                                       const std::array<DimSize_t, 2 * DIM>& paddingDims = filled<2 * DIM>(0),
                                                       const std::array<DimSize_t, DIM>& dilationDims = filled<DIM>(1),
                                                       bool noBias = false);

}  // namespace Aidge
