#pragma once

#include <set>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/fibnlr/Attributes.hpp"
#include "aidge/fibnlr/Parameters.hpp"
#include "aidge/graph/GraphView.hpp"

namespace Aidge::fibnlr {

/// The prunable activations of `model`, nested ones included, in topological order.
/// Throws std::invalid_argument where `model` is null.
[[nodiscard]] AIDGE_EXPORT std::vector<NodePtr> prunableNodes(const GraphViewPtr& model, const Parameters& params);

/// Dims of each node's input (all prunable operators keep their input's dims), channels on axis 1.
/// Taken from compile, else from the last forwardDims, else inferred where every graph input is static but for the batch.
/// Throws std::invalid_argument if none of these says them.
[[nodiscard]] AIDGE_EXPORT std::vector<Dims> inputDimsOf(const GraphViewPtr& model, const std::vector<NodePtr>& nodes);

/// The group of each node under `params.group`; changes nothing. Throws std::invalid_argument if a manual assignment is missing or its
/// node unknown (all of them are listed), and as inputDimsOf for ImageSize.
[[nodiscard]] AIDGE_EXPORT std::vector<Group> groupsOf(const GraphViewPtr& model, const std::vector<NodePtr>& nodes,
                                                       const Parameters& params);

/// All groups that nodes of `model` carry as attribute.
[[nodiscard]] AIDGE_EXPORT std::set<Group> findGroups(const GraphViewPtr& model);
/// The nodes of `model` whose attribute is that group.
[[nodiscard]] AIDGE_EXPORT NodeSet findNodeByGroup(const GraphViewPtr& model, Group group);

}  // namespace Aidge::fibnlr
