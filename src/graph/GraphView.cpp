#include "aidge/graph/GraphView.hpp"

#include <algorithm>
#include <queue>
#include <set>
#include <unordered_set>

#include "aidge/core/Errors.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge {

namespace {

bool isOptional(InputCategory category) { return category == InputCategory::OptionalData || category == InputCategory::OptionalParam; }

/// Number of single-character edits between two names (for "did you mean").
std::size_t editDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

GraphView::~GraphView() {
  for (const NodePtr& node : mNodes) {
    std::erase_if(node->mViews, [this](const std::weak_ptr<GraphView>& view) { return view.expired() || view.lock().get() == this; });
  }
}

// --- nodes ----------------------------------------------------------------------------------------------------------

void GraphView::insertNode(const NodePtr& node) {
  if (!node) throwExpected("graph::add", "a node", "none");
  if (contains(node)) return;
  if (node->name().empty()) node->mName = uniqueName(node->type());
  if (findNode(node->name())) throwExpected("graph::add", "a name that no other node of the graph has", node->describe());
  mIndex.emplace(node.get(), mNodes.size());
  mNodes.push_back(node);
  node->mViews.push_back(weak_from_this());
  bump();
}

void GraphView::eraseNode(const NodePtr& node) {
  const NodePtr keep = node;
  const std::size_t at = mIndex.at(keep.get());
  mVersion += keep->revision() + 1;
  mNodes.erase(mNodes.begin() + static_cast<std::ptrdiff_t>(at));
  mIndex.erase(keep.get());
  for (std::size_t i = at; i < mNodes.size(); ++i) mIndex[mNodes[i].get()] = i;
  std::erase_if(keep->mViews, [this](const std::weak_ptr<GraphView>& view) { return view.expired() || view.lock().get() == this; });
}

void GraphView::add(const NodePtr& node, bool includeProducers) { add(std::span(&node, 1), includeProducers); }

void GraphView::add(std::span<const NodePtr> nodes, bool includeProducers) {
  const std::size_t before = mNodes.size();
  try {
    for (const NodePtr& node : nodes) {
      if (includeProducers && node) {
        for (const Node::Edge& edge : node->inputs()) {
          if (edge.first && edge.first->getOperator()->isProducer()) insertNode(edge.first);
        }
      }
      insertNode(node);
    }
  } catch (...) {
    while (mNodes.size() > before) eraseNode(mNodes.back());
    throw;
  }
  refreshBoundary();
}

void GraphView::add(const GraphView& other) { add(std::span(other.nodes()), false); }

void GraphView::remove(const NodePtr& node, bool includeProducers) {
  if (!contains(node)) throwExpected("graph::remove", "a node of this graph", node ? node->describe() : "none");
  const NodePtr keep = node;
  transaction([&] {
    std::vector<NodePtr> parents = keep->getParents();
    for (IOIndex_t i = 0; i < keep->nbInputs(); ++i) {
      if (contains(keep->getParent(i))) keep->resetInput(i);
    }
    for (IOIndex_t i = 0; i < keep->nbOutputs(); ++i) {
      for (const Node::Edge& edge : keep->output(i)) {
        if (contains(edge.first)) edge.first->resetInput(edge.second);
      }
    }
    eraseNode(keep);
    for (const NodePtr& parent : parents) {
      if (includeProducers && contains(parent) && parent->getOperator()->isProducer() && parent->getChildren().empty()) eraseNode(parent);
    }
  });
}

void GraphView::replace(const NodePtr& oldNode, const NodePtr& newNode) {
  if (!contains(oldNode)) throwExpected("graph::replace", "a node of this graph", oldNode ? oldNode->describe() : "none");
  if (!newNode || contains(newNode))
    throwExpected("graph::replace", "a new node that is not in the graph", newNode ? newNode->describe() : "none");
  if (newNode->nbInputs() > oldNode->nbInputs() || newNode->nbOutputs() != oldNode->nbOutputs()) {
    throwExpected("graph::replace", "at most as many inputs and as many outputs as " + oldNode->describe(), newNode->describe());
  }
  const NodePtr keep = oldNode;
  transaction([&] {
    const std::size_t at = mIndex.at(keep.get());
    const auto edges = keep->inputs();
    const auto consumers = keep->outputs();
    for (GraphInput& input : mInputs) {
      for (Node::Edge& target : input.targets) {
        if (target.first == keep && target.second < newNode->nbInputs()) target.first = newNode;
      }
    }
    for (GraphOutput& output : mOutputs) {
      if (output.node == keep) output.node = newNode;
    }
    for (IOIndex_t i = 0; i < keep->nbInputs(); ++i) keep->resetInput(i);
    eraseNode(keep);
    for (IOIndex_t i = 0; i < edges.size(); ++i) {
      const auto& [parent, index] = edges[i];
      const bool wanted = i < newNode->nbInputs() && !newNode->getParent(i);
      if (parent && wanted) newNode->setInput(i, parent, index);
      if (!wanted && contains(parent) && parent->getOperator()->isProducer() && parent->getChildren().empty()) eraseNode(parent);
    }
    for (IOIndex_t i = 0; i < consumers.size(); ++i) {
      for (const Node::Edge& edge : consumers[i]) edge.first->setInput(edge.second, newNode, i);
    }
    for (const Node::Edge& edge : newNode->inputs()) {
      if (edge.first && edge.first->getOperator()->isProducer()) insertNode(edge.first);
    }
    insertNode(newNode);
    const std::size_t target = std::min(at, mNodes.size() - 1);
    std::rotate(mNodes.begin() + static_cast<std::ptrdiff_t>(target), mNodes.end() - 1, mNodes.end());
    for (std::size_t i = target; i < mNodes.size(); ++i) mIndex[mNodes[i].get()] = i;
  });
}

void GraphView::bypass(const NodePtr& node) {
  if (!contains(node)) throwExpected("graph::bypass", "a node of this graph", node ? node->describe() : "none");
  const NodePtr keep = node;
  if (keep->nbInputs() == 0 || keep->nbOutputs() == 0)
    throwExpected("graph::bypass", "a node with an input and an output", keep->describe());
  for (IOIndex_t i = 1; i < keep->nbInputs(); ++i) {
    if (keep->inputCategory(i) == InputCategory::Data) throwExpected("graph::bypass", "a node with one data input", keep->describe());
  }
  const auto [parent, index] = keep->input(0);
  const bool fromOutside = isBoundaryInput(*keep, 0);
  const bool isExit = std::any_of(mOutputs.begin(), mOutputs.end(), [&](const GraphOutput& output) { return output.node == keep; });
  if (fromOutside && isExit) {
    replace(keep, makeNode("Identity", {}, keep->name()));
    return;
  }
  transaction([&] {
    const auto consumers = keep->output(0);
    for (const Node::Edge& edge : consumers) {
      if (parent) {
        edge.first->setInput(edge.second, parent, index);
      } else {
        edge.first->resetInput(edge.second);
      }
    }
    for (GraphInput& input : mInputs) {
      const auto at = std::find(input.targets.begin(), input.targets.end(), Node::Edge{keep, 0});
      if (at == input.targets.end()) continue;
      const auto position = input.targets.erase(at);
      input.targets.insert(position, consumers.begin(), consumers.end());
    }
    for (GraphOutput& output : mOutputs) {
      if (output.node == keep) {
        output.node = parent;
        output.index = index;
      }
    }
    remove(keep);
  });
}

void GraphView::insertAfter(const NodePtr& parent, IOIndex_t index, const NodePtr& node) {
  if (!contains(parent)) throwExpected("graph::insertAfter", "a node of this graph", parent ? parent->describe() : "none");
  if (!node || contains(node)) throwExpected("graph::insertAfter", "a new node that is not in the graph", node ? node->describe() : "none");
  transaction([&] {
    for (const Node::Edge& edge : parent->output(index)) {
      if (contains(edge.first)) edge.first->setInput(edge.second, node, 0);
    }
    parent->addChild(node, index);
    for (GraphOutput& output : mOutputs) {
      if (output.node == parent && output.index == index) output = {output.name, node, 0};
    }
    add(node);
  });
}

void GraphView::addChild(const NodePtr& child, const NodePtr& from, IOIndex_t outIndex, IOIndex_t inIndex) {
  NodePtr source = from;
  if (!source) {
    if (mOutputs.size() != 1)
      throwExpected("graph::addChild", "a graph with one output where no source node is given",
                    std::to_string(mOutputs.size()) + " outputs");
    source = mOutputs[0].node;
    outIndex = mOutputs[0].index;
  } else if (!contains(source)) {
    throwExpected("graph::addChild", "a source node of this graph", source->describe());
  }
  transaction([&] {
    source->addChild(child, outIndex, inIndex);
    add(child);
    if (!mExplicitOutputs || child->nbOutputs() == 0) return;
    for (GraphOutput& output : mOutputs) {
      if (output.node == source && output.index == outIndex) output = {output.name, child, 0};
    }
  });
}

// --- looking up -----------------------------------------------------------------------------------------------------

NodePtr GraphView::findNode(std::string_view name) const {
  for (const NodePtr& node : mNodes) {
    if (node->name() == name) return node;
  }
  return nullptr;
}

NodePtr GraphView::getNode(std::string_view name) const {
  if (NodePtr node = findNode(name)) return node;
  std::vector<std::pair<std::size_t, std::string>> nearest;
  for (const NodePtr& node : mNodes) nearest.emplace_back(editDistance(name, node->name()), node->name());
  std::sort(nearest.begin(), nearest.end());
  std::string names = "\"" + std::string(name) + "\"";
  for (std::size_t i = 0; i < std::min<std::size_t>(3, nearest.size()); ++i)
    names += (i == 0 ? " (nearest: \"" : "\", \"") + nearest[i].second;
  throwExpected("graph::getNode", "the name of a node of this graph", nearest.empty() ? names : names + "\")");
}

std::string GraphView::uniqueName(std::string_view base) const {
  std::unordered_set<std::string_view> taken;
  for (const NodePtr& node : mNodes) taken.insert(node->name());
  std::string name(base);
  for (std::size_t i = 1; taken.count(name) != 0; ++i) name = std::string(base) + "_" + std::to_string(i);
  return name;
}

GraphViewPtr GraphView::ownerOf(const NodePtr& node) {
  if (contains(node)) return shared_from_this();
  for (const NodePtr& candidate : mNodes) {
    if (!candidate->getOperator()->isMeta()) continue;
    if (GraphViewPtr owner = candidate->getOperator()->microGraph()->ownerOf(node)) return owner;
  }
  return nullptr;
}

std::vector<NodePtr> GraphView::orderedNodes() const {
  std::vector<std::size_t> waiting(mNodes.size(), 0);
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
  for (std::size_t i = 0; i < mNodes.size(); ++i) {
    for (const Node::Edge& edge : mNodes[i]->inputs()) {
      if (contains(edge.first) && !edge.first->getOperator()->isProducer()) ++waiting[i];
    }
    if (waiting[i] == 0 && !mNodes[i]->getOperator()->isProducer()) ready.push(i);
  }
  std::vector<NodePtr> order;
  std::vector<bool> placed(mNodes.size(), false);
  const auto place = [&](std::size_t i) {
    if (placed[i]) return;
    placed[i] = true;
    order.push_back(mNodes[i]);
  };
  while (!ready.empty()) {
    const std::size_t at = ready.top();
    ready.pop();
    for (const Node::Edge& edge : mNodes[at]->inputs()) {
      if (contains(edge.first) && edge.first->getOperator()->isProducer()) place(mIndex.at(edge.first.get()));
    }
    place(at);
    for (const auto& edges : mNodes[at]->outputs()) {
      for (const Node::Edge& edge : edges) {
        const auto found = mIndex.find(edge.first.get());
        if (found != mIndex.end() && --waiting[found->second] == 0) ready.push(found->second);
      }
    }
  }
  for (std::size_t i = 0; i < mNodes.size(); ++i) {
    if (mNodes[i]->getOperator()->isProducer()) place(i);
  }
  return order;
}

std::vector<NodePtr> GraphView::orderedNodesDeep() const {
  std::vector<NodePtr> all;
  for (const NodePtr& node : orderedNodes()) {
    all.push_back(node);
    if (!node->getOperator()->isMeta()) continue;
    const auto inner = node->getOperator()->microGraph()->orderedNodesDeep();
    all.insert(all.end(), inner.begin(), inner.end());
  }
  return all;
}

// --- inputs and outputs ---------------------------------------------------------------------------------------------

bool GraphView::isBoundaryInput(const Node& node, IOIndex_t index) const {
  const NodePtr& parent = node.input(index).first;
  return parent ? !contains(parent) : !isOptional(node.inputCategory(index));
}

void GraphView::refreshBoundary() {
  if (mSuspended > 0) return;
  bump();
  std::set<std::pair<const Node*, IOIndex_t>> listed;
  for (GraphInput& input : mInputs) {
    std::erase_if(input.targets, [&](const Node::Edge& target) {
      const bool declared = contains(target.first) && target.second < target.first->nbInputs();
      return !declared || contains(target.first->getParent(target.second));
    });
    for (const Node::Edge& target : input.targets) listed.emplace(target.first.get(), target.second);
  }
  std::erase_if(mInputs, [](const GraphInput& input) { return input.targets.empty(); });
  const auto freeName = [](const auto& entries, const std::string& base) {
    std::string name = base;
    for (std::size_t i = 1; std::any_of(entries.begin(), entries.end(), [&](const auto& entry) { return entry.name == name; }); ++i)
      name = base + "_" + std::to_string(i);
    return name;
  };
  for (const NodePtr& node : mNodes) {
    for (IOIndex_t i = 0; i < node->nbInputs(); ++i) {
      if (!isBoundaryInput(*node, i) || listed.count({node.get(), i}) != 0) continue;
      mInputs.push_back({freeName(mInputs, "input"), {}, false, mDataType, {{node, i}}});
    }
  }
  const auto isConsumed = [&](const NodePtr& node, IOIndex_t index) {
    const auto edges = node->output(index);
    return std::any_of(edges.begin(), edges.end(), [&](const Node::Edge& edge) { return contains(edge.first); });
  };
  std::erase_if(mOutputs, [&](const GraphOutput& output) {
    return !contains(output.node) || (!mExplicitOutputs && isConsumed(output.node, output.index));
  });
  if (mOutputs.empty()) mExplicitOutputs = false;
  if (mExplicitOutputs) return;
  for (const NodePtr& node : mNodes) {
    if (node->getOperator()->isProducer()) continue;
    for (IOIndex_t i = 0; i < node->nbOutputs(); ++i) {
      const bool present = std::any_of(mOutputs.begin(), mOutputs.end(),
                                       [&](const GraphOutput& output) { return output.node == node && output.index == i; });
      if (!present && !isConsumed(node, i)) mOutputs.push_back({freeName(mOutputs, "output"), node, i});
    }
  }
}

void GraphView::setInputs(std::vector<GraphInput> inputs) {
  std::set<std::pair<const Node*, IOIndex_t>> seen;
  std::unordered_set<std::string_view> names;
  for (const GraphInput& input : inputs) {
    if (!names.insert(input.name).second) throwExpected("graph::setInputs", "distinct names", "\"" + input.name + "\" twice");
    if (input.targets.empty()) throwExpected("graph::setInputs", "at least one target of \"" + input.name + "\"", "none");
    for (const auto& [node, index] : input.targets) {
      if (!contains(node)) throwExpected("graph::setInputs", "targets in this graph", node ? node->describe() : "none");
      if (contains(node->getParent(index)) || !seen.emplace(node.get(), index).second) {
        throwExpected("graph::setInputs", "unconnected targets, each once", "input " + std::to_string(index) + " of " + node->describe());
      }
    }
  }
  mInputs = std::move(inputs);
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
  mOutputs = std::move(outputs);
  mExplicitOutputs = true;
  refreshBoundary();
}

std::vector<Node::Edge> GraphView::orderedInputs() const {
  std::vector<Node::Edge> edges;
  for (const GraphInput& input : mInputs) edges.push_back(input.targets.front());
  return edges;
}

std::vector<Node::Edge> GraphView::orderedOutputs() const {
  std::vector<Node::Edge> edges;
  for (const GraphOutput& output : mOutputs) edges.emplace_back(output.node, output.index);
  return edges;
}

void GraphView::setOrderedInputs(std::span<const Node::Edge> order) {
  std::vector<GraphInput> rest = mInputs;
  std::vector<GraphInput> result;
  for (const Node::Edge& edge : order) {
    const auto found = std::find_if(rest.begin(), rest.end(), [&](const GraphInput& input) {
      return std::find(input.targets.begin(), input.targets.end(), edge) != input.targets.end();
    });
    if (found == rest.end())
      throwExpected("graph::setOrderedInputs", "inputs of this graph, each once",
                    edge.first ? "input " + std::to_string(edge.second) + " of " + edge.first->describe() : "none");
    result.push_back(std::move(*found));
    rest.erase(found);
  }
  std::move(rest.begin(), rest.end(), std::back_inserter(result));
  mInputs = std::move(result);
  bump();
}

void GraphView::setOrderedOutputs(std::span<const Node::Edge> order) {
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
  mOutputs = std::move(result);
  bump();
}

void GraphView::setMandatoryInputsFirst() {
  std::stable_partition(mInputs.begin(), mInputs.end(), [](const GraphInput& input) {
    return std::any_of(input.targets.begin(), input.targets.end(),
                       [](const Node::Edge& target) { return target.first->inputCategory(target.second) == InputCategory::Data; });
  });
  bump();
}

std::uint64_t GraphView::version() const {
  std::uint64_t total = mVersion;
  for (const NodePtr& node : mNodes) total += node->revision();
  return total;
}

// --- all or nothing -------------------------------------------------------------------------------------------------

/// Everything that an edit can change, of this graph and of the graphs inside it.
struct GraphView::Snapshot {
  struct NodeState {
    NodePtr node;
    std::string name;
    std::vector<Node::Edge> inputs;
    std::vector<std::vector<Node::ChildEdge>> children;
    Operator::State op;
    std::unique_ptr<Snapshot> inner;
  };

  explicit Snapshot(const GraphView& graph)
      : nodes(graph.mNodes), inputs(graph.mInputs), outputs(graph.mOutputs), explicitOutputs(graph.mExplicitOutputs) {
    std::unordered_set<const Node*> seen;
    for (const NodePtr& node : nodes) {
      record(node, seen);
      for (const Node::Edge& edge : node->mInputs) record(edge.first, seen);
    }
  }

  void record(const NodePtr& node, std::unordered_set<const Node*>& seen) {
    if (!node || !seen.insert(node.get()).second) return;
    const auto& micro = node->getOperator()->microGraph();
    states.push_back({node, node->mName, node->mInputs, node->mChildren, node->getOperator()->state(),
                      micro ? std::make_unique<Snapshot>(*micro) : nullptr});
  }

  void restore(GraphView& graph) const {
    for (const NodePtr& node : std::vector<NodePtr>(graph.mNodes)) {
      // A node that came in by the failed edit leaves again, without edges to the nodes that were here before.
      if (std::find(nodes.begin(), nodes.end(), node) != nodes.end()) continue;
      for (IOIndex_t i = 0; i < node->nbInputs(); ++i) {
        if (node->mInputs[i].first && graph.contains(node->mInputs[i].first) && !node->mInputs[i].first->getOperator()->isProducer())
          node->detachFromParent(i);
      }
      graph.eraseNode(node);
    }
    for (const NodePtr& node : nodes) {
      if (!graph.contains(node)) node->mViews.push_back(graph.weak_from_this());
    }
    for (const NodeState& state : states) {
      state.node->mName = state.name;
      state.node->mInputs = state.inputs;
      state.node->mChildren = state.children;
      state.node->getOperator()->restore(state.op);
      state.node->bump();
      if (state.inner) state.inner->restore(*state.node->getOperator()->microGraph());
    }
    graph.mNodes = nodes;
    graph.mIndex.clear();
    for (std::size_t i = 0; i < nodes.size(); ++i) graph.mIndex.emplace(nodes[i].get(), i);
    graph.mInputs = inputs;
    graph.mOutputs = outputs;
    graph.mExplicitOutputs = explicitOutputs;
    graph.bump();
  }

  std::vector<NodePtr> nodes;
  std::vector<GraphInput> inputs;
  std::vector<GraphOutput> outputs;
  bool explicitOutputs;
  std::vector<NodeState> states;
};

void GraphView::transaction(const std::function<void()>& edit) {
  if (mSuspended > 0) {  // inside another transaction, which puts everything back
    edit();
    return;
  }
  const GraphViewPtr keep = shared_from_this();
  const Snapshot before(*this);
  mSuspended = 1;
  try {
    edit();
    mSuspended = 0;
    refreshBoundary();
  } catch (...) {
    mSuspended = 0;
    before.restore(*this);
    throw;
  }
}

}  // namespace Aidge
