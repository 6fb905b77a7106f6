#pragma once

#include <cstddef>

#include "aidge/core/Export.hpp"
#include "aidge/graph/GraphView.hpp"

namespace Aidge {

/// Folds every BatchNorm that follows a Conv, ConvTranspose or FC into it, at whatever depth: w' = w · f, b' = (b - mean) · f + shift with
/// f = scale / sqrt(variance + epsilon), a channel of the output at a time, in double. A missing bias is created (<node>_b). Layers that share
/// their weight keep sharing it: they are folded together where the same map follows each of them. Left alone: where it does not, where the layer has other
/// consumers or is a graph output, where a parameter is not a producer's, or where f is not finite. Returns how many went. Idempotent; the layers keep their names.
/// Throws std::invalid_argument if there is no graph.
AIDGE_EXPORT std::size_t fuseBatchNorm(const GraphViewPtr& graph);

/// The same for one BatchNorm of `graph` itself, and those that have to go with it; false where it is left alone.
AIDGE_EXPORT bool foldBatchNorm(const GraphViewPtr& graph, const NodePtr& norm);

}  // namespace Aidge
