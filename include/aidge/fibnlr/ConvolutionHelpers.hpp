#pragma once

#include <array>

#include "aidge/core/Export.hpp"
#include "aidge/core/Types.hpp"
#include "aidge/graph/Node.hpp"

namespace Aidge::fibnlr {

// Helpers for merging convolutions. All throw std::invalid_argument on a null node; those with a DIM, defined for 1, 2 and 3, also where the
// node is no Conv<DIM>D.

/// True if the node is a Conv1D, Conv2D or Conv3D (of any groups).
[[nodiscard]] AIDGE_EXPORT bool isConv(const NodePtr& node);
/// True if the node works on tensors, which all but generic operators do: of those nothing is known.
[[nodiscard]] AIDGE_EXPORT bool isTensor(const NodePtr& node);
/// True if some output of `parent` feeds `child` directly.
[[nodiscard]] AIDGE_EXPORT bool isChildOf(const NodePtr& child, const NodePtr& parent);

template <DimIdx_t DIM> [[nodiscard]] AIDGE_EXPORT std::array<DimSize_t, DIM> getKernelDims(const NodePtr& node);
template <DimIdx_t DIM> [[nodiscard]] AIDGE_EXPORT std::array<DimSize_t, DIM> getKernelStrides(const NodePtr& node);
/// Channels of the data that the convolution takes, by its weight (outChannels, inChannels / groups, kernel …), which must be known.
template <DimIdx_t DIM> [[nodiscard]] AIDGE_EXPORT DimSize_t inChannels(const NodePtr& node);
template <DimIdx_t DIM> [[nodiscard]] AIDGE_EXPORT DimSize_t outChannels(const NodePtr& node);

/// k = (k_a - 1) · s_b + k_b on every axis. This is the kernel of "b feeds a": for "a feeds b" call computeKernelDims(b, a, a's strides).
template <DimIdx_t DIM>
[[nodiscard]] AIDGE_EXPORT std::array<DimSize_t, DIM> computeKernelDims(const std::array<DimSize_t, DIM>& aDims,
                                                                        const std::array<DimSize_t, DIM>& bDims,
                                                                        const std::array<DimSize_t, DIM>& bStrides);
/// s = s_a · s_b on every axis.
template <DimIdx_t DIM>
[[nodiscard]] AIDGE_EXPORT std::array<DimSize_t, DIM> computeKernelStrides(const std::array<DimSize_t, DIM>& aStrides,
                                                                           const std::array<DimSize_t, DIM>& bStrides);

/// A new, unconnected Conv<DIM>D without weights that stands for `a` followed by `b`: inChannels of a, outChannels of b, kernel
/// (k_b - 1) · s_a + k_a with k = (kernel - 1) · dilation + 1, stride s_a · s_b, no dilation, padding p_a + s_a · p_b, groups gcd(g_a, g_b). Its weight
/// input has dims but no data. nullptr if they cannot merge: not both Conv<DIM>D, channels that do not fit, or automatic "same" padding with a
/// stride, which depends on the image size.
template <DimIdx_t DIM> [[nodiscard]] AIDGE_EXPORT NodePtr convFrom(const NodePtr& a, const NodePtr& b);
/// convFrom with producers of the composed weight and, where a or b has one, bias (composed in double). It computes what the two do wherever b
/// reads no padding, and everywhere if mergesExactly. Throws std::invalid_argument if a weight or bias is no producer's.
template <DimIdx_t DIM> [[nodiscard]] AIDGE_EXPORT NodePtr mergeConv(const NodePtr& a, const NodePtr& b);
/// Whether mergeConv is exact at the border too, for images of every size: b has no padding, or a no bias and zero response there. False if they
/// cannot merge.
template <DimIdx_t DIM> [[nodiscard]] AIDGE_EXPORT bool mergesExactly(const NodePtr& a, const NodePtr& b);

}  // namespace Aidge::fibnlr
