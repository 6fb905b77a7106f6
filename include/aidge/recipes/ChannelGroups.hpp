#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/core/Types.hpp"
#include "aidge/graph/GraphView.hpp"

namespace Aidge {

/// A layer with weights (Conv, ConvTranspose, FC, Gemm, MatMul) that makes channels of a group.
struct AIDGE_EXPORT ChannelSource {
  NodePtr node;
  std::vector<std::int64_t> channels;  ///< one entry an output channel (or output feature): which channel of the group it is
};

/// A layer with weights that reads channels of a group.
struct ChannelUse {
  NodePtr node;
  IOIndex_t input = 0;  ///< where the data arrives
  std::vector<std::int64_t>
      channels;  ///< one entry an input channel (FC: input feature, Flatten's order): which channel of the group, -1: none
};

/// Output channels of layers that can only be removed together, as sums, products, depthwise and grouped convolutions, shared axes or shared constants tie
/// them. A
/// channel of a group is one such set: one output channel of every source that is added up, all values of it after Flatten, the same place in every
/// group of a grouped convolution. Layers whose outputs only stand side by side (Concat) are in groups of their own.
struct ChannelGroup {
  std::size_t size = 0;                ///< channels
  std::vector<ChannelSource> sources;  ///< in topological order; never empty
  std::vector<ChannelUse> uses;        ///< in topological order
  /// Products of two tensors of data that sum over channels of the group, as that of queries and keys; `channels` has one entry for each index
  /// that is summed over. In topological order.
  std::vector<ChannelUse> products;
  std::vector<NodePtr> crossed;     ///< what the channels pass on the way: BatchNorm, activations, pooling, Add, depthwise convolutions …
  std::vector<std::int64_t> fixed;  ///< channels that must stay; ascending
  std::string refusal;              ///< why the channels in `fixed` must stay; empty if there are none
  /// Whether some of its channels can be removed.
  [[nodiscard]] bool canBeCut() const noexcept { return fixed.size() < size && size > 1; }
};

/// The groups of a graph, in topological order of their first source. Channels are followed index by index through elementwise operators with
/// broadcasting, normalisation with fixed statistics, pooling, depthwise and grouped convolutions, Concat, Split and Slice, Flatten, Reshape, Transpose
/// and what else only moves values. Numbers that the graph computes from dims follow a cut; if they cannot, the channels that they count are kept.
/// A constant that several inputs read is cut once: the channels along its axes are the same for all of them, or kept if one of them needs all of it.
/// Lists of equal numbers (zeros, ones) tie nothing. Graph outputs, softmax or normalisation across channels, and unknown operators keep all channels
/// that reach them. `dims` of the graph inputs, one entry each; empty: as compiled, else as declared with a batch of 1. Changes nothing.
/// Throws std::invalid_argument if there is no graph, dims are open, or they do not fit.
[[nodiscard]] AIDGE_EXPORT std::vector<ChannelGroup> channelGroups(const GraphViewPtr& graph, const std::vector<Dims>& dims = {});

}  // namespace Aidge
