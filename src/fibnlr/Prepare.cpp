#include "aidge/fibnlr/Prepare.hpp"

#include <limits>

#include "InputObserver.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/fibnlr/Groups.hpp"

namespace Aidge::fibnlr {

namespace {

/// Channels = extent of axis 1; a tensor without one is a single channel.
std::size_t channelsOf(const Dims& dims) { return dims.size() > 1 ? static_cast<std::size_t>(dims[1]) : 1; }

/// Takes the observers of an earlier prepare off, and the attributes of nodes that it prepared and this one will not.
void forget(const GraphViewPtr& model, const NodeSet& prepared) {
  for (const NodePtr& node : model->orderedNodesDeep()) {
    if (!detail::detachObserver(node) || prepared.contains(node)) continue;
    node->attributes().remove<NPR>();
    node->attributes().remove<NNPR>();
    node->attributes().remove<ActivityTracker>();
    node->attributes().remove<Group>();
  }
}

}  // namespace

NodeSet prepare(const GraphViewPtr& model, const Parameters& params) {
  params.validate();
  const std::vector<NodePtr> nodes = prunableNodes(model, params);
  const std::vector<Dims> dims = inputDimsOf(model, nodes);
  const std::vector<Group> groups = groupsOf(model, nodes, params);
  const NodeSet prepared(nodes.begin(), nodes.end());
  forget(model, prepared);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    set<NPR>(nodes[i], NPR{});
    set<ActivityTracker>(nodes[i], ActivityTracker(channelsOf(dims[i])));
    set<NNPR>(nodes[i], NNPR{std::numeric_limits<double>::quiet_NaN()});
    set<Group>(nodes[i], groups[i]);
    detail::attachObserver(nodes[i]);
  }
  return prepared;
}

void detach(const GraphViewPtr& model) {
  if (!model) throwExpected("fibnlr::detach", "a graph", "none");
  for (const NodePtr& node : model->orderedNodesDeep()) detail::detachObserver(node);
}

}  // namespace Aidge::fibnlr
