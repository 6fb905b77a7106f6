#pragma once

#include <limits>
#include <string>

#include "aidge/core/Export.hpp"
#include "aidge/graph/MakeNode.hpp"

namespace Aidge {

// Elementwise on one input of any shape; the output has its dims and type.

/// max(x, 0).
[[nodiscard]] AIDGE_EXPORT NodePtr ReLU(const std::string& name = "");
/// x where x >= 0, else negativeSlope · x.
[[nodiscard]] AIDGE_EXPORT NodePtr LeakyReLU(double negativeSlope = 0.0, const std::string& name = "");
/// x where x >= 0, else slope · x; comes with a producer <name>_slope filled with 0.25: (1) for one channel, else (nbChannels, 1 …) with
/// `spatialDims` ones, so that it lines up with the channels of (batch, channels, spatial …).
[[nodiscard]] AIDGE_EXPORT NodePtr PReLU(DimSize_t nbChannels = 1, const std::string& name = "", std::size_t spatialDims = 2);
/// x · Phi(x), Phi the normal distribution ("none"), or 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) ("tanh").
[[nodiscard]] AIDGE_EXPORT NodePtr GeLU(const std::string& approximate = "none", const std::string& name = "");
/// min(max(x, min), max).
[[nodiscard]] AIDGE_EXPORT NodePtr Clip(const std::string& name = "", double min = -std::numeric_limits<double>::infinity(),
                                        double max = std::numeric_limits<double>::infinity());
/// 1 / (1 + exp(-x)).
[[nodiscard]] AIDGE_EXPORT NodePtr Sigmoid(const std::string& name = "");
/// tanh(x).
[[nodiscard]] AIDGE_EXPORT NodePtr Tanh(const std::string& name = "");
/// min(max(alpha · x + beta, 0), 1).
[[nodiscard]] AIDGE_EXPORT NodePtr HardSigmoid(double alpha = 0.2, double beta = 0.5, const std::string& name = "");
/// x · min(max(x / 6 + 0.5, 0), 1).
[[nodiscard]] AIDGE_EXPORT NodePtr HardSwish(const std::string& name = "");

}  // namespace Aidge
