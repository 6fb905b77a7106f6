#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/data/DataProvider.hpp"
#include "aidge/graph/GraphView.hpp"
#include "aidge/graph/Observer.hpp"
#include "aidge/statistics/Covariance.hpp"

namespace Aidge::pfa {

/// State after a batch.
struct CollectProgress {
  std::size_t batch = 0;               ///< from 1
  std::size_t samples = 0;             ///< so far
  std::optional<std::size_t> batches;  ///< of one pass over the provider, where it knows
};
/// Called after every batch; false ends the pass. What it throws ends it as a failure.
using CollectCallback = std::function<bool(const CollectProgress&)>;

/// The responses of layers to a fresh pass over `provider`: of output 0 of every node in `layers`, pooled over the axes behind the channels
/// (axis 1) to one value an image and channel, the covariance over the images. Taken within the forward pass; one accumulator a node, in order.
/// Throws std::invalid_argument: not compiled, no layers, a node that is not in the graph or stands there twice, an empty provider, a batch that
/// does not fit, NaN or infinity (naming the layer and the samples). The graph is as before the call, whatever happens.
[[nodiscard]] AIDGE_EXPORT std::vector<statistics::Covariance> collectResponses(const GraphViewPtr& model, DataProvider& provider,
                                                                                std::span<const NodePtr> layers, Pooling pooling,
                                                                                const CollectCallback& progress = {});

}  // namespace Aidge::pfa
