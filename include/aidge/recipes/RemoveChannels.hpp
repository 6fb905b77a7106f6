#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/core/Types.hpp"
#include "aidge/graph/GraphView.hpp"

namespace Aidge {

struct RemovalOptions {
  /// Each source keeps a multiple of so many output channels (or all of them): of those named, the last ones are put back until it does.
  DimSize_t multiple = 1;
  std::vector<Dims> dims;  ///< of the graph inputs; empty: as compiled, else as declared with a batch of 1
};

/// What one layer of a group lost.
struct RemovedChannels {
  std::string node;                    ///< its name
  std::int64_t before = 0;             ///< its output channels
  std::vector<std::int64_t> channels;  ///< which of them went; ascending
};

/// A request that was not, or not wholly, followed, and why.
struct AIDGE_EXPORT RefusedRemoval {
  std::vector<std::string> nodes;      ///< the group's sources
  std::vector<std::int64_t> channels;  ///< channels of the group that stay though they were named
  std::string reason;
};

struct RemovalReport {
  std::vector<std::vector<RemovedChannels>> removed;  ///< one entry a group that was cut, in topological order
  std::vector<RemovedChannels>
      passed;  ///< layers with weights that lost outputs with the channels that pass them (depthwise convolutions), in topological order
  std::vector<RefusedRemoval> refused;
  double macsBefore = 0.0;  ///< of the whole graph, as its operators count them
  double macsAfter = 0.0;
  double parametersBefore = 0.0;  ///< values of all constants of floating-point type
  double parametersAfter = 0.0;
  std::size_t uncounted = 0;  ///< operators that are not in the MACs, because their sizes are known only when they run
};

/// Takes output channels of layers out of the network, with all that hangs on them (see channelGroups): their filters and biases, the parameters of
/// normalisation, PReLU and elementwise constants behind them, depthwise filters, and the weights that read them. Group counts, Reshape, Split and Slice
/// follow. What is left computes what the original would if the layers that read a removed channel had zero weights for it; so a channel whose
/// value is a constant that is not zero takes that constant with it.
/// `channels`: output channels of nodes of the graph: sources, or any node that a group passes. Where several nodes of a group are named, the union
/// goes. A group that cannot be cut, or of which nothing would be left, is refused with the reason, and the others go on. A constant that several inputs
/// read stays one: channelGroups ties what it ties. (Only a list of equal numbers becomes several where layers keep different counts.) Nodes stay, with hooks, observers and attributes. The call makes all of these edits or,
/// where it throws, none.
/// Throws std::invalid_argument if there is no graph, a node is not in it, a channel does not exist, multiple < 1, or dims are open.
AIDGE_EXPORT RemovalReport removeChannels(const GraphViewPtr& graph, const std::map<NodePtr, std::vector<std::int64_t>>& channels,
                                          const RemovalOptions& options = {});

/// A table of what was removed, the refusals and the totals.
[[nodiscard]] AIDGE_EXPORT std::string toString(const RemovalReport& report);

}  // namespace Aidge
