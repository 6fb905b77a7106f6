// The inputs and outputs of a graph.
#include <algorithm>
#include <set>
#include <unordered_set>

#include "aidge/core/Errors.hpp"
#include "aidge/graph/GraphView.hpp"
#include "core/EditLog.hpp"

namespace Aidge {

namespace {

bool isOptional(InputCategory category) { return category == InputCategory::OptionalData || category == InputCategory::OptionalParam; }

/// `base`, or base_1, base_2 …: a name that no entry has.
template <typename Entry> std::string freeName(const std::vector<Entry>& entries, const std::string& base) {
  const auto isTaken = [&](const std::string& name) {
    return std::any_of(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.name == name; });
  };
  std::string name = base;
  for (std::size_t i = 1; isTaken(name); ++i) name = base + "_" + std::to_string(i);
  return name;
}

}  // namespace

// --- what follows from the nodes ------------------------------------------------------------------------------------

bool GraphView::isBoundaryInput(const Node& node, IOIndex_t index) const {
  const NodePtr& parent = node.input(index).node;
  return parent ? !contains(parent) : !isOptional(node.inputCategory(index));
}

bool GraphView::isConsumed(const NodePtr& node, IOIndex_t index, const GraphView* except) const {
  const auto edges = node->output(index);
  return std::any_of(edges.begin(), edges.end(),
                     [&](const TensorRef& edge) { return contains(edge.node) && (except == nullptr || !except->contains(edge.node)); });
}

void GraphView::recordBoundary() {
  if (!detail::EditLog::isActive()) return;
  detail::EditLog::record([self = shared_from_this(), inputs = mInputs, outputs = mOutputs, explicitOutputs = mExplicitOutputs] {
    self->mInputs = inputs;
    self->mOutputs = outputs;
    self->mExplicitOutputs = explicitOutputs;
    self->bump();
  });
}

std::vector<NodePtr> GraphView::takeTouched() {
  std::vector<NodePtr> touched = mAllTouched ? nodes() : std::move(mTouched);
  mAllTouched = false;
  mTouched.clear();
  std::erase_if(touched, [this](const NodePtr& node) { return !contains(node); });
  std::sort(touched.begin(), touched.end(),
            [this](const NodePtr& a, const NodePtr& b) { return mPlaces.at(a.get()) < mPlaces.at(b.get()); });
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
  return touched;
}

void GraphView::refreshBoundary() {
  if (mSuspended) return;
  recordBoundary();
  bump();
  std::erase_if(mOutputs, [&](const GraphOutput& output) {
    return !contains(output.node) || (!mExplicitOutputs && isConsumed(output.node, output.index));
  });
  if (mExplicitOutputs && mOutputs.empty()) {
    mExplicitOutputs = false;
    mAllTouched = true;
  }
  const std::vector<NodePtr> touched = takeTouched();
  refreshInputs(touched);
  if (!mExplicitOutputs) refreshOutputs(touched);
}

void GraphView::refreshInputs(std::span<const NodePtr> touched) {
  std::set<TensorRef> listed;
  for (GraphInput& input : mInputs) {
    std::erase_if(input.targets, [&](const TensorRef& target) {
      const bool declared = contains(target.node) && target.index < target.node->nbInputs();
      return !declared || contains(target.node->getParent(target.index));
    });
    for (const TensorRef& target : input.targets) listed.insert(target);
  }
  std::erase_if(mInputs, [](const GraphInput& input) { return input.targets.empty(); });
  for (const NodePtr& node : touched) {
    for (IOIndex_t i = 0; i < node->nbInputs(); ++i) {
      if (!isBoundaryInput(*node, i) || listed.contains({node, i})) continue;
      mInputs.push_back({freeName(mInputs, "input"), {}, false, mDataType, {{node, i}}});
    }
  }
}

void GraphView::refreshOutputs(std::span<const NodePtr> touched) {
  for (const NodePtr& node : touched) {
    if (node->getOperator()->isProducer()) continue;
    for (IOIndex_t i = 0; i < node->nbOutputs(); ++i) {
      const bool present = std::any_of(mOutputs.begin(), mOutputs.end(),
                                       [&](const GraphOutput& output) { return output.node == node && output.index == i; });
      if (!present && !isConsumed(node, i)) mOutputs.push_back({freeName(mOutputs, "output"), node, i});
    }
  }
}

// --- parts ----------------------------------------------------------------------------------------------------------

void GraphView::add(const GraphView& other) {
  const Part part = std::const_pointer_cast<GraphView>(other.shared_from_this());
  add(std::span(&part, 1));
}

void GraphView::add(std::span<const Part> parts) {
  transaction([&] {
    for (const Part& part : parts) {
      if (const auto* graph = std::get_if<GraphViewPtr>(&part)) {
        add(std::span((*graph)->nodes()), false);
      } else {
        add(std::get<NodePtr>(part));
      }
    }
    for (const Part& part : parts) adoptInputs(part);
    const bool isDeclared = mExplicitOutputs || std::any_of(parts.begin(), parts.end(), [](const Part& part) {
                              const auto* graph = std::get_if<GraphViewPtr>(&part);
                              return graph != nullptr && (*graph)->mExplicitOutputs;
                            });
    if (!isDeclared) return;
    std::erase_if(mOutputs, [&](const GraphOutput& output) { return !mExplicitOutputs && isConsumed(output.node, output.index); });
    for (const Part& part : parts) adoptOutputs(part);
    mExplicitOutputs = !mOutputs.empty();
  });
}

void GraphView::adoptInputs(const Part& part) {
  std::set<TensorRef> listed;
  for (const GraphInput& input : mInputs) listed.insert(input.targets.begin(), input.targets.end());
  const auto isFree = [&](const TensorRef& target) { return isBoundaryInput(*target.node, target.index) && !listed.contains(target); };
  const auto append = [&](GraphInput input) {
    std::erase_if(input.targets,
                  [&](const TensorRef& target) { return contains(target.node->getParent(target.index)) || listed.contains(target); });
    if (input.targets.empty()) return;
    input.name = freeName(mInputs, input.name);
    mInputs.push_back(std::move(input));
  };
  if (const auto* graph = std::get_if<GraphViewPtr>(&part)) {
    for (const GraphInput& input : (*graph)->inputs()) append(input);
    return;
  }
  const NodePtr& node = std::get<NodePtr>(part);
  for (IOIndex_t i = 0; i < node->nbInputs(); ++i) {
    if (isFree({node, i})) append({"input", {}, false, mDataType, {{node, i}}});
  }
}

void GraphView::adoptOutputs(const Part& part) {
  const auto append = [&](const std::string& name, const NodePtr& node, IOIndex_t index, const GraphView* within) {
    const bool isListed = std::any_of(mOutputs.begin(), mOutputs.end(),
                                      [&](const GraphOutput& output) { return output.node == node && output.index == index; });
    if (!isListed && !isConsumed(node, index, within)) mOutputs.push_back({freeName(mOutputs, name), node, index});
  };
  if (const auto* graph = std::get_if<GraphViewPtr>(&part)) {
    for (const GraphOutput& output : (*graph)->outputs()) append(output.name, output.node, output.index, graph->get());
    return;
  }
  const NodePtr& node = std::get<NodePtr>(part);
  for (IOIndex_t i = 0; i < node->nbOutputs(); ++i) append("output", node, i, nullptr);
}

// --- declarations ---------------------------------------------------------------------------------------------------

void GraphView::setInputs(std::vector<GraphInput> inputs) {
  std::set<TensorRef> seen;
  std::unordered_set<std::string_view> names;
  for (const GraphInput& input : inputs) {
    if (!names.insert(input.name).second) throwExpected("graph::setInputs", "distinct names", "\"" + input.name + "\" twice");
    if (input.targets.empty()) throwExpected("graph::setInputs", "at least one target of \"" + input.name + "\"", "none");
    for (const auto& [node, index] : input.targets) {
      if (!contains(node)) throwExpected("graph::setInputs", "targets in this graph", node ? node->describe() : "none");
      if (contains(node->getParent(index)) || !seen.insert({node, index}).second) {
        throwExpected("graph::setInputs", "unconnected targets, each once", "input " + std::to_string(index) + " of " + node->describe());
      }
    }
  }
  recordBoundary();
  mInputs = std::move(inputs);
  mAllTouched = true;
  refreshBoundary();
}

void GraphView::setOutputs(std::vector<GraphOutput> outputs) {
  std::unordered_set<std::string_view> names;
  if (outputs.empty()) throwExpected("graph::setOutputs", "at least one output", "none");
  for (const GraphOutput& output : outputs) {
    if (!names.insert(output.name).second) throwExpected("graph::setOutputs", "distinct names", "\"" + output.name + "\" twice");
    if (!contains(output.node)) throwExpected("graph::setOutputs", "nodes of this graph", output.node ? output.node->describe() : "none");
    static_cast<void>(output.node->output(output.index));
  }
  recordBoundary();
  mOutputs = std::move(outputs);
  mExplicitOutputs = true;
  refreshBoundary();
}

std::vector<TensorRef> GraphView::orderedInputs() const {
  std::vector<TensorRef> edges;
  for (const GraphInput& input : mInputs) edges.push_back(input.targets.front());
  return edges;
}

std::vector<TensorRef> GraphView::orderedOutputs() const {
  std::vector<TensorRef> edges;
  for (const GraphOutput& output : mOutputs) edges.push_back({output.node, output.index});
  return edges;
}

void GraphView::setOrderedInputs(std::span<const TensorRef> order) {
  std::vector<GraphInput> rest = mInputs;
  std::vector<GraphInput> result;
  for (const TensorRef& edge : order) {
    const auto found = std::find_if(rest.begin(), rest.end(), [&](const GraphInput& input) {
      return std::find(input.targets.begin(), input.targets.end(), edge) != input.targets.end();
    });
    if (found == rest.end())
      throwExpected("graph::setOrderedInputs", "inputs of this graph, each once",
                    edge.node ? "input " + std::to_string(edge.index) + " of " + edge.node->describe() : "none");
    result.push_back(std::move(*found));
    rest.erase(found);
  }
  std::move(rest.begin(), rest.end(), std::back_inserter(result));
  recordBoundary();
  mInputs = std::move(result);
  bump();
}

void GraphView::setOrderedOutputs(std::span<const TensorRef> order) {
  std::vector<GraphOutput> rest = mOutputs;
  std::vector<GraphOutput> result;
  for (const auto& [node, index] : order) {
    const auto found =
        std::find_if(rest.begin(), rest.end(), [&](const GraphOutput& output) { return output.node == node && output.index == index; });
    if (found == rest.end())
      throwExpected("graph::setOrderedOutputs", "outputs of this graph, each once",
                    node ? "output " + std::to_string(index) + " of " + node->describe() : "none");
    result.push_back(std::move(*found));
    rest.erase(found);
  }
  std::move(rest.begin(), rest.end(), std::back_inserter(result));
  recordBoundary();
  mOutputs = std::move(result);
  bump();
}

void GraphView::setMandatoryInputsFirst() {
  recordBoundary();
  std::stable_partition(mInputs.begin(), mInputs.end(), [](const GraphInput& input) {
    return std::any_of(input.targets.begin(), input.targets.end(),
                       [](const TensorRef& target) { return target.node->inputCategory(target.index) == InputCategory::Data; });
  });
  bump();
}

}  // namespace Aidge
