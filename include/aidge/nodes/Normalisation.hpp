#pragma once

#include <string>

#include "aidge/core/Export.hpp"
#include "aidge/graph/MakeNode.hpp"

namespace Aidge {

// y = scale * (x - mean) / sqrt(variance + epsilon) + bias. Each factory makes the producers <name>_scale (1) and, but for RMSNorm, <name>_bias (0) of
// (nbFeatures), and throws std::invalid_argument where nbFeatures or groups < 1, or epsilon < 0.

/// Over the places of each image's channel: data (batch, nbFeatures, …).
[[nodiscard]] AIDGE_EXPORT NodePtr InstanceNorm(DimSize_t nbFeatures, double epsilon = 1e-5, const std::string& name = "");
/// Over the places of each image's group of channels: data (batch, nbFeatures, …), nbFeatures a multiple of groups.
[[nodiscard]] AIDGE_EXPORT NodePtr GroupNorm(DimSize_t nbFeatures, std::int64_t groups, double epsilon = 1e-5,
                                             const std::string& name = "");
/// Over the last axis: data (…, nbFeatures). Outputs 1 and 2 are mean and 1 / sqrt(variance + epsilon).
[[nodiscard]] AIDGE_EXPORT NodePtr LayerNorm(DimSize_t nbFeatures, double epsilon = 1e-5, const std::string& name = "");
/// scale * x / sqrt(mean of x^2 + epsilon) over the last axis: data (…, nbFeatures).
[[nodiscard]] AIDGE_EXPORT NodePtr RMSNorm(DimSize_t nbFeatures, double epsilon = 1e-5, const std::string& name = "");

}  // namespace Aidge
