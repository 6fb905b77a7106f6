#pragma once

#include <array>
#include <string>

#include "aidge/core/Export.hpp"
#include "aidge/graph/MakeNode.hpp"
#include "aidge/nodes/Convolution.hpp"

namespace Aidge {

// Pooling of (batch, channels, spatial …) over windows. With ceilMode the output extent is rounded up, except for a window that would start beyond the
// data and its left padding. Padding is as large as the window at most (less one), so that no window lies in it wholly.

/// Maximum over each window (type "MaxPooling<DIM>D"); padding never wins.
template <std::size_t DIM>
[[nodiscard]] AIDGE_EXPORT NodePtr MaxPooling(const std::array<DimSize_t, DIM>& kernelDims, const std::string& name = "",
                                              const std::array<DimSize_t, DIM>& strideDims = filled<DIM>(1),
                                              const std::array<DimSize_t, DIM>& dilations = filled<DIM>(1), bool ceilMode = false);

/// MaxPooling with padding: the beginnings of all spatial axes, then their ends.
template <std::size_t DIM>
[[nodiscard]] AIDGE_EXPORT NodePtr PaddedMaxPooling(const std::array<DimSize_t, DIM>& kernelDims, const std::string& name = "",
                                                    const std::array<DimSize_t, DIM>& strideDims = filled<DIM>(1),
                                                    const std::array<DimSize_t, 2 * DIM>& paddingDims = filled<2 * DIM>(0),
                                                    const std::array<DimSize_t, DIM>& dilations = filled<DIM>(1), bool ceilMode = false);

/// Mean over each window (type "AvgPooling<DIM>D").
template <std::size_t DIM>
[[nodiscard]] AIDGE_EXPORT NodePtr AvgPooling(const std::array<DimSize_t, DIM>& kernelDims, const std::string& name = "",
                                              const std::array<DimSize_t, DIM>& strideDims = filled<DIM>(1),
                                              const std::array<DimSize_t, DIM>& dilations = filled<DIM>(1), bool ceilMode = false);

/// AvgPooling with zero padding, which counts as data only with countIncludePad.
template <std::size_t DIM>
[[nodiscard]] AIDGE_EXPORT NodePtr PaddedAvgPooling(const std::array<DimSize_t, DIM>& kernelDims, const std::string& name = "",
                                                    const std::array<DimSize_t, DIM>& strideDims = filled<DIM>(1),
                                                    const std::array<DimSize_t, 2 * DIM>& paddingDims = filled<2 * DIM>(0),
                                                    const std::array<DimSize_t, DIM>& dilations = filled<DIM>(1), bool ceilMode = false,
                                                    bool countIncludePad = false);

/// Mean over all spatial axes, which stay with extent 1: (batch, channels, 1 …).
[[nodiscard]] AIDGE_EXPORT NodePtr GlobalAveragePooling(const std::string& name = "");

/// Maximum over all spatial axes, which stay with extent 1.
[[nodiscard]] AIDGE_EXPORT NodePtr GlobalMaxPooling(const std::string& name = "");
/// p-norm of all spatial axes, which stay with extent 1.
[[nodiscard]] AIDGE_EXPORT NodePtr GlobalLpPooling(std::int64_t p = 2, const std::string& name = "");

// Further types, made by makeNode: "LpPooling<DIM>D", the p-norm of each window (attributes of MaxPooling, and p); "MaxPoolingIndices<DIM>D" (and column_major), whose second output,
// int64, is the place of each maximum in the row-major data.

}  // namespace Aidge
