#include "aidge/fibnlr/Groups.hpp"

#include <algorithm>
#include <unordered_set>

#include "aidge/core/Errors.hpp"
#include "aidge/graph/GraphShapes.hpp"
#include "aidge/operator/Operator.hpp"
#include "aidge/scheduler/Inference.hpp"

namespace Aidge::fibnlr {

namespace {

void checkModel(std::string_view where, const GraphViewPtr& model) {
  if (!model) throwExpected(where, "a graph", "none");
}

bool isPrunable(const Node& node, const Parameters& params) {
  const Operator& op = *node.getOperator();
  if (op.schema() == nullptr) return false;
  if (std::find(params.prunableTypes.begin(), params.prunableTypes.end(), op.type()) == params.prunableTypes.end()) return false;
  return op.traits().rectifier(op).has_value();
}

/// Every input's dims are declared, and fixed but for the batch.
bool hasStaticInputs(const GraphView& model) {
  return std::all_of(model.inputs().begin(), model.inputs().end(), [](const GraphInput& input) {
    return input.hasDims &&
           std::none_of(input.dims.begin() + (input.dims.empty() ? 0 : 1), input.dims.end(), [](DimSize_t d) { return d == kDynamicDim; });
  });
}

std::uint64_t imageSize(const Dims& dims) {
  std::uint64_t size = 1;
  for (std::size_t axis = 2; axis < dims.size(); ++axis) size *= static_cast<std::uint64_t>(dims[axis]);
  return size;
}

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// Throws where an assignment is for a node or a name that `model` does not have.
void checkAssignments(const GraphViewPtr& model, const Parameters& params) {
  std::unordered_set<std::string> names;
  std::unordered_set<NodePtr> known;
  for (const NodePtr& node : model->orderedNodesDeep()) {
    names.insert(node->name());
    known.insert(node);
  }
  std::vector<std::string> unknown;
  for (const auto& [key, id] : params.groupAssignments) {
    if (const auto* name = std::get_if<std::string>(&key)) {
      if (!names.contains(*name)) unknown.push_back("\"" + *name + "\"");
    } else if (const NodePtr& node = std::get<NodePtr>(key); !known.contains(node)) {
      unknown.push_back(node->describe());
    }
  }
  std::sort(unknown.begin(), unknown.end());
  if (!unknown.empty()) throwExpected("fibnlr::groups", "group_assignments for nodes of the graph", "unknown " + join(unknown));
}

std::vector<Group> manualGroups(const GraphViewPtr& model, const std::vector<NodePtr>& nodes, const Parameters& params) {
  checkAssignments(model, params);
  std::vector<Group> groups;
  std::vector<std::string> missing;
  for (const NodePtr& node : nodes) {
    auto found = params.groupAssignments.find(node);
    const auto byName = params.groupAssignments.find(node->name());
    if (found == params.groupAssignments.end()) {
      found = byName;
    } else if (byName != params.groupAssignments.end() && byName->second != found->second) {
      throwExpected("fibnlr::groups", "one group for " + node->describe(),
                    std::to_string(found->second) + " for the node and " + std::to_string(byName->second) + " for its name");
    }
    if (found == params.groupAssignments.end()) {
      missing.push_back(node->describe());
    } else {
      groups.push_back({found->second});
    }
  }
  if (!missing.empty())
    throwExpected("fibnlr::groups", "an entry in group_assignments for every prunable node", "none for " + join(missing));
  return groups;
}

}  // namespace

std::vector<NodePtr> prunableNodes(const GraphViewPtr& model, const Parameters& params) {
  checkModel("fibnlr::prunableNodes", model);
  std::vector<NodePtr> nodes = model->orderedNodesDeep();
  std::unordered_set<const Node*> seen;  // two meta operators may share the graph inside them
  std::erase_if(nodes, [&](const NodePtr& node) { return !isPrunable(*node, params) || !seen.insert(node.get()).second; });
  return nodes;
}

std::vector<Dims> inputDimsOf(const GraphViewPtr& model, const std::vector<NodePtr>& nodes) {
  checkModel("fibnlr::inputDimsOf", model);
  std::vector<Dims> dims;
  const bool forwarded =
      std::none_of(nodes.begin(), nodes.end(), [](const NodePtr& n) { return n->getOperator()->getOutput(0)->isUndefined(); });
  if (!model->isCompiled() && forwarded) {
    for (const NodePtr& node : nodes) dims.push_back(node->getOperator()->getOutput(0)->dims());
    return dims;
  }
  if (!model->isCompiled() && !hasStaticInputs(*model)) {
    throwExpected("fibnlr::prepare", "a graph whose dims are known (call compile or forwardDims first)", "inputs without static dims");
  }
  const GraphShapes shapes = model->inferShapes(model->compiledDims(), kernelInference());
  for (const NodePtr& node : nodes) {
    const auto* outputs = shapes.find(node.get());
    dims.push_back(outputs == nullptr ? Dims{} : outputs->at(0).dims);  // unknown after a node whose dims depend on values
  }
  return dims;
}

std::vector<Group> groupsOf(const GraphViewPtr& model, const std::vector<NodePtr>& nodes, const Parameters& params) {
  checkModel("fibnlr::groups", model);
  if (params.group == GroupMethod::Manual) return manualGroups(model, nodes, params);
  std::vector<Group> groups(nodes.size());
  if (params.group == GroupMethod::ImageSize) {
    const std::vector<Dims> dims = inputDimsOf(model, nodes);
    for (std::size_t i = 0; i < nodes.size(); ++i) groups[i].id = dims[i].empty() ? 0 : imageSize(dims[i]);
  }
  return groups;
}

std::set<Group> findGroups(const GraphViewPtr& model) {
  checkModel("fibnlr::findGroups", model);
  std::set<Group> groups;
  for (const NodePtr& node : model->orderedNodesDeep()) {
    if (const Group* group = tryGet<Group>(node)) groups.insert(*group);
  }
  return groups;
}

NodeSet findNodeByGroup(const GraphViewPtr& model, Group group) {
  checkModel("fibnlr::findNodeByGroup", model);
  NodeSet nodes;
  for (const NodePtr& node : model->orderedNodesDeep()) {
    const Group* present = tryGet<Group>(node);
    if (present != nullptr && *present == group) nodes.insert(node);
  }
  return nodes;
}

}  // namespace Aidge::fibnlr
