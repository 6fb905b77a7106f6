#pragma once

#include <functional>
#include <string>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/data/DataProvider.hpp"
#include "aidge/graph/GraphView.hpp"
#include "aidge/statistics/ChannelRegression.hpp"

namespace Aidge::fibnlr {

/// An activation f and the graph whose f is to be matched.
struct AIDGE_EXPORT ActivationPair {
  NodePtr node;      ///< in the graph that changes
  NodePtr original;  ///< the same activation in the untouched graph
};

/// For each activation the regression of the original's f(x) on what arrives at the activation now, a channel (axis 1) at a time. One pass over
/// `provider` through both graphs (once where they are the same). Both must be compiled. Throws std::invalid_argument: not compiled, an empty provider, a batch
/// that does not fit, tensors of different shapes or without channels, NaN or infinity.
[[nodiscard]] AIDGE_EXPORT std::vector<statistics::ChannelRegression> fitAffine(const GraphViewPtr& original, const GraphViewPtr& model,
                                                                                const std::vector<ActivationPair>& activations,
                                                                                DataProvider& provider);

/// What took an activation's place.
struct AffineReplacement {
  std::string activation;
  std::string layer;      ///< the layer that a·x + b was folded into; empty: a BatchNorm of the activation's name does it
  double residual = 0.0;  ///< variance that a·x + b leaves of the original's f(x), relative to its variance
};

/// Replaces the activations by a·x + b a channel, in topological order: a = cov(x, f) / var(x), b = mean f - a · mean x, with x from the graph as it is then
/// and f from `original` (fitting on one's own changed activations would compound the error). Folded into the Conv, ConvTranspose or FC before where
/// nothing else reads that. One pass over `provider` an activation. `progress` is called before each with (done, total) and ends the call by throwing.
/// Makes all of these edits or, where it throws, none. Throws as fitAffine does.
AIDGE_EXPORT std::vector<AffineReplacement> replaceByAffine(const GraphViewPtr& original, const GraphViewPtr& model,
                                                            const std::vector<ActivationPair>& activations, DataProvider& provider,
                                                            const std::function<void(std::size_t, std::size_t)>& progress = {});

}  // namespace Aidge::fibnlr
