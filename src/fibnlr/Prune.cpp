#include "aidge/fibnlr/Prune.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "InputObserver.hpp"
#include "Snapshot.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/fibnlr/Affine.hpp"
#include "aidge/fibnlr/Groups.hpp"
#include "aidge/fibnlr/Prepare.hpp"
#include "aidge/graph/MakeNode.hpp"

namespace Aidge::fibnlr {

namespace {

/// How many of a group of `size` may go at most.
std::size_t limitOf(std::size_t size, const Parameters& params) {
  const std::size_t removable = size > params.ablationMinKept ? size - static_cast<std::size_t>(params.ablationMinKept) : 0;
  switch (params.ablationCriteria) {
    case AblationCriteria::None:
      return 0;
    case AblationCriteria::XLeastPerGroup:
      return static_cast<std::size_t>(std::min<std::uint64_t>(removable, params.ablationXLeast));
    case AblationCriteria::Threshold:
      return removable;
  }
  return 0;
}

/// The eligible nodes by their stored attributes, in topological order.
std::vector<NodePtr> eligibleNodes(const GraphViewPtr& model, const Parameters& params) {
  const std::vector<NodePtr> nodes = prunableNodes(model, params);
  std::vector<double> values;
  std::vector<Group> groups;
  for (const NodePtr& node : nodes) {
    const NNPR* value = tryGet<NNPR>(node);
    if (value == nullptr || std::isnan(value->value)) {
      throwInvalid("fibnlr::prune", "no NPR: compute must run first (missing on " + node->describe() + ")");
    }
    const Group* group = tryGet<Group>(node);
    values.push_back(value->value);
    groups.push_back(group == nullptr ? Group{} : *group);
  }
  std::vector<NodePtr> eligible;
  for (const std::size_t i : selectEligible(values, groups, params)) eligible.push_back(nodes[i]);
  return eligible;
}

void take(const GraphViewPtr& model, const NodePtr& node, AblationMethod method) {
  const GraphViewPtr owner = model->ownerOf(node);
  if (method == AblationMethod::Remove) {
    owner->bypass(node);
  } else {
    owner->replace(node, makeNode("Identity", {}, node->name()));
  }
}

/// Every eligible node with its twin in a copy of the graph.
void replaceAll(const GraphViewPtr& model, const std::vector<NodePtr>& eligible, DataProvider* data) {
  if (data == nullptr) throwInvalid("fibnlr::prune", "the affine ablation fits on data: prune needs a provider");
  const GraphViewPtr original = model->clone();
  const std::vector<NodePtr> nodes = model->orderedNodesDeep();
  const std::vector<NodePtr> twins = original->orderedNodesDeep();
  std::vector<ActivationPair> pairs;
  for (const NodePtr& node : eligible) {
    const auto place = std::find(nodes.begin(), nodes.end(), node) - nodes.begin();
    pairs.push_back({node, twins.at(static_cast<std::size_t>(place))});
  }
  static_cast<void>(replaceByAffine(original, model, pairs, *data));
}

}  // namespace

std::vector<std::size_t> selectEligible(std::span<const double> nnpr, std::span<const Group> groups, const Parameters& params) {
  if (nnpr.size() != groups.size())
    throwExpected("fibnlr::selectEligible", std::to_string(nnpr.size()) + " groups, one a value", std::to_string(groups.size()));
  std::map<Group, std::vector<std::size_t>> members;
  for (std::size_t i = 0; i < nnpr.size(); ++i) {
    if (std::isnan(nnpr[i])) throwExpected("fibnlr::selectEligible", "numbers", "NaN at index " + std::to_string(i));
    members[groups[i]].push_back(i);
  }
  std::vector<std::size_t> eligible;
  for (auto& [group, indices] : members) {
    std::stable_sort(indices.begin(), indices.end(), [&](std::size_t a, std::size_t b) { return nnpr[a] < nnpr[b]; });
    indices.resize(limitOf(indices.size(), params));
    std::copy_if(indices.begin(), indices.end(), std::back_inserter(eligible),
                 [&](std::size_t i) { return nnpr[i] < params.ablationThreshold; });
  }
  std::sort(eligible.begin(), eligible.end());
  return eligible;
}

NodeSet prune(const GraphViewPtr& model, const Parameters& params, DataProvider* data) {
  params.validate();
  const std::vector<NodePtr> eligible = eligibleNodes(model, params);
  if (params.ablationMethod == AblationMethod::Affine) {
    detail::allOrNothing(model, [&] {
      detach(model);  // the passes of the fit are not to be counted
      if (!eligible.empty()) replaceAll(model, eligible, data);
    });
  } else if (params.ablationMethod != AblationMethod::None && !eligible.empty()) {
    model->transaction([&] {
      for (const NodePtr& node : eligible) take(model, node, params.ablationMethod);
    });
  }
  detach(model);
  for (const NodePtr& node : eligible) detail::detachObserver(node);  // no longer part of the graph
  return {eligible.begin(), eligible.end()};
}

}  // namespace Aidge::fibnlr
