#include "aidge/graph/GraphView.hpp"

#include <algorithm>
#include <optional>
#include <queue>

#include "aidge/core/Errors.hpp"
#include "aidge/graph/MakeNode.hpp"
#include "core/EditLog.hpp"

namespace Aidge {

namespace {

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

GraphViewPtr GraphView::create(std::string name) { return GraphViewPtr(new GraphView(std::move(name))); }

GraphView::~GraphView() {
  for (const auto& [place, node] : mNodes) {
    std::erase_if(node->mViews, [this](const std::weak_ptr<GraphView>& view) { return view.expired() || view.lock().get() == this; });
  }
  for (const auto& action : mAtEnd) action();
}

// --- nodes by place -------------------------------------------------------------------------------------------------

const std::vector<NodePtr>& GraphView::nodes() const {
  const std::lock_guard lock(mListMutex);
  if (!mListIsCurrent) {
    mList.clear();
    for (const auto& [place, node] : mNodes) mList.push_back(node);
    mListIsCurrent = true;
  }
  return mList;
}

void GraphView::link(const NodePtr& node, double place) {
  mNodes.emplace(place, node);
  mPlaces.emplace(node.get(), place);
  addName(node->name(), node.get());
  node->mViews.push_back(weak_from_this());
  mListIsCurrent = false;
  bump();
}

void GraphView::unlink(const NodePtr& node) {
  const NodePtr keep = node;
  mVersion += keep->revision() + 1;
  const auto found = mPlaces.find(keep.get());
  mNodes.erase(found->second);
  mPlaces.erase(found);
  removeName(keep->name());
  mListIsCurrent = false;
  std::erase_if(keep->mViews, [this](const std::weak_ptr<GraphView>& view) { return view.expired() || view.lock().get() == this; });
}

void GraphView::insertNode(const NodePtr& node) { insertNodeAt(node, endPlace()); }

void GraphView::insertNodeAt(const NodePtr& node, double place) {
  if (!node) throwExpected("graph::add", "a node", "none");
  if (contains(node)) return;
  if (node->name().empty()) node->rename(uniqueName(node->type()));
  if (findNode(node->name())) throwExpected("graph::add", "a name that no other node of the graph has", node->describe());
  link(node, place);
  detail::EditLog::record([self = shared_from_this(), node] { self->unlink(node); });
  touch(node);
}

void GraphView::eraseNode(const NodePtr& node) {
  const NodePtr keep = node;
  const double place = mPlaces.at(keep.get());
  unlink(keep);
  detail::EditLog::record([self = shared_from_this(), keep, place] { self->link(keep, place); });
  for (const TensorRef& edge : keep->inputs()) touch(edge.node);
  for (const NodePtr& child : keep->getChildren()) touch(child);
}

std::vector<double> GraphView::placesFrom(double at, std::size_t count) {
  const auto spread = [&](double first) {
    const auto next = mNodes.upper_bound(first);
    const double step = next == mNodes.end() ? 1.0 : (next->first - first) / static_cast<double>(count + 1);
    std::vector<double> places;
    for (std::size_t i = 0; i < count; ++i) places.push_back(first + step * static_cast<double>(mNodes.contains(first) ? i + 1 : i));
    return places;
  };
  std::vector<double> places = spread(at);
  const bool isAscending = std::adjacent_find(places.begin(), places.end(), std::greater_equal<>()) == places.end();
  const bool isFree = std::none_of(places.begin(), places.end(), [&](double place) { return mNodes.contains(place); });
  if (isAscending && isFree) return places;
  // No number is left in between: number the nodes anew.
  detail::EditLog::record([self = shared_from_this(), nodes = mNodes, old = mPlaces] {
    self->mNodes = nodes;
    self->mPlaces = old;
  });
  std::map<double, NodePtr> renumbered;
  double first = 0.0;
  for (const auto& [place, node] : mNodes) {
    const double number = static_cast<double>(renumbered.size()) + 1.0;
    if (place <= at) first = number;
    mPlaces[node.get()] = number;
    renumbered.emplace_hint(renumbered.end(), number, node);
  }
  mNodes = std::move(renumbered);
  return spread(mNodes.contains(first) ? first : 0.5);
}

// --- names ----------------------------------------------------------------------------------------------------------

namespace {

/// "relu" and 3 for "relu_3"; nothing for a name without a number of that form.
std::optional<std::pair<std::string, std::size_t>> numbered(const std::string& name) {
  const std::size_t bar = name.rfind('_');
  if (bar == std::string::npos || bar + 1 == name.size() || name[bar + 1] == '0' || name.size() - bar > 10) return std::nullopt;
  std::size_t number = 0;
  for (std::size_t i = bar + 1; i < name.size(); ++i) {
    if (name[i] < '0' || name[i] > '9') return std::nullopt;
    number = 10 * number + static_cast<std::size_t>(name[i] - '0');
  }
  return std::pair(name.substr(0, bar), number);
}

std::string withNumber(std::string_view base, std::size_t number) { return std::string(base) + "_" + std::to_string(number); }

}  // namespace

void GraphView::addName(const std::string& name, Node* node) {
  mNames.emplace(name, node);
  const auto parts = numbered(name);
  if (!parts) return;
  Numbers& numbers = mNumbers[parts->first];
  numbers.free.erase(parts->second);
  if (parts->second != numbers.next) return;
  do {
    ++numbers.next;
  } while (mNames.contains(withNumber(parts->first, numbers.next)));
}

void GraphView::removeName(const std::string& name) {
  mNames.erase(name);
  const auto parts = numbered(name);
  if (!parts) return;
  Numbers& numbers = mNumbers[parts->first];
  if (parts->second < numbers.next) numbers.free.insert(parts->second);
}

NodePtr GraphView::findNode(std::string_view name) const {
  const auto found = mNames.find(std::string(name));
  return found == mNames.end() ? nullptr : found->second->shared_from_this();
}

std::string GraphView::uniqueName(std::string_view base) const {
  std::string name(base);
  if (!mNames.contains(name)) return name;
  const auto found = mNumbers.find(name);
  if (found == mNumbers.end()) return withNumber(base, 1);
  const Numbers& numbers = found->second;
  return withNumber(base, numbers.free.empty() ? numbers.next : *numbers.free.begin());
}

// --- edits ----------------------------------------------------------------------------------------------------------

void GraphView::add(const NodePtr& node, bool includeProducers) { add(std::span(&node, 1), includeProducers); }

void GraphView::add(std::span<const NodePtr> nodes, bool includeProducers) {
  transaction([&] {
    for (const NodePtr& node : nodes) {
      if (includeProducers && node) {
        for (const TensorRef& edge : node->inputs()) {
          if (edge.node && edge.node->getOperator()->isProducer()) insertNode(edge.node);
        }
      }
      insertNode(node);
    }
  });
}

void GraphView::remove(const NodePtr& node, bool includeProducers) {
  if (!contains(node)) throwExpected("graph::remove", "a node of this graph", node ? node->describe() : "none");
  const NodePtr keep = node;
  transaction([&] {
    std::vector<NodePtr> parents = keep->getParents();
    for (IOIndex_t i = 0; i < keep->nbInputs(); ++i) {
      if (contains(keep->getParent(i))) keep->resetInput(i);
    }
    for (IOIndex_t i = 0; i < keep->nbOutputs(); ++i) {
      for (const TensorRef& edge : keep->output(i)) {
        if (contains(edge.node)) edge.node->resetInput(edge.index);
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
    const double at = mPlaces.at(keep.get());
    const auto edges = keep->inputs();
    const auto consumers = keep->outputs();
    for (GraphInput& input : mInputs) {
      for (TensorRef& target : input.targets) {
        if (target.node == keep && target.index < newNode->nbInputs()) target.node = newNode;
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
      for (const TensorRef& edge : consumers[i]) edge.node->setInput(edge.index, newNode, i);
    }
    for (const TensorRef& edge : newNode->inputs()) {
      if (edge.node && edge.node->getOperator()->isProducer()) insertNode(edge.node);
    }
    insertNodeAt(newNode, at);
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
    for (const TensorRef& edge : consumers) {
      if (parent) {
        edge.node->setInput(edge.index, parent, index);
      } else {
        edge.node->resetInput(edge.index);
      }
    }
    for (GraphInput& input : mInputs) {
      const auto at = std::find(input.targets.begin(), input.targets.end(), TensorRef{keep, 0});
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
    for (const TensorRef& edge : parent->output(index)) {
      if (contains(edge.node)) edge.node->setInput(edge.index, node, 0);
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

NodePtr GraphView::getNode(std::string_view name) const {
  if (NodePtr node = findNode(name)) return node;
  std::vector<std::pair<std::size_t, std::string>> nearest;
  for (const NodePtr& node : nodes()) nearest.emplace_back(editDistance(name, node->name()), node->name());
  std::sort(nearest.begin(), nearest.end());
  std::string names = "\"" + std::string(name) + "\"";
  for (std::size_t i = 0; i < std::min<std::size_t>(3, nearest.size()); ++i)
    names += (i == 0 ? " (nearest: \"" : "\", \"") + nearest[i].second;
  throwExpected("graph::getNode", "the name of a node of this graph", nearest.empty() ? names : names + "\")");
}

GraphViewPtr GraphView::ownerOf(const NodePtr& node) {
  if (contains(node)) return shared_from_this();
  for (const NodePtr& candidate : nodes()) {
    const GraphViewPtr inner = microGraph(*candidate->getOperator());
    if (!inner) continue;
    if (GraphViewPtr owner = inner->ownerOf(node)) return owner;
  }
  return nullptr;
}

std::vector<NodePtr> GraphView::orderedNodes() const {
  const std::vector<NodePtr>& arrived = nodes();
  std::unordered_map<const Node*, std::size_t> index;
  for (std::size_t i = 0; i < arrived.size(); ++i) index.emplace(arrived[i].get(), i);
  std::vector<std::size_t> waiting(arrived.size(), 0);
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
  for (std::size_t i = 0; i < arrived.size(); ++i) {
    for (const TensorRef& edge : arrived[i]->inputs()) {
      if (contains(edge.node) && !edge.node->getOperator()->isProducer()) ++waiting[i];
    }
    if (waiting[i] == 0 && !arrived[i]->getOperator()->isProducer()) ready.push(i);
  }
  std::vector<NodePtr> order;
  std::vector<bool> placed(arrived.size(), false);
  const auto place = [&](std::size_t i) {
    if (placed[i]) return;
    placed[i] = true;
    order.push_back(arrived[i]);
  };
  while (!ready.empty()) {
    const std::size_t at = ready.top();
    ready.pop();
    for (const TensorRef& edge : arrived[at]->inputs()) {
      if (contains(edge.node) && edge.node->getOperator()->isProducer()) place(index.at(edge.node.get()));
    }
    place(at);
    for (const auto& edges : arrived[at]->outputs()) {
      for (const TensorRef& edge : edges) {
        const auto found = index.find(edge.node.get());
        if (found != index.end() && --waiting[found->second] == 0) ready.push(found->second);
      }
    }
  }
  for (std::size_t i = 0; i < arrived.size(); ++i) {
    if (arrived[i]->getOperator()->isProducer()) place(i);
  }
  return order;
}

std::vector<NodePtr> GraphView::orderedNodesDeep() const {
  std::vector<NodePtr> all;
  for (const NodePtr& node : orderedNodes()) {
    all.push_back(node);
    const GraphViewPtr inner = microGraph(*node->getOperator());
    if (!inner) continue;
    const auto nodesInside = inner->orderedNodesDeep();
    all.insert(all.end(), nodesInside.begin(), nodesInside.end());
  }
  return all;
}

// --- all or nothing -------------------------------------------------------------------------------------------------

std::uint64_t GraphView::version() const {
  std::uint64_t total = mVersion;
  for (const NodePtr& node : nodes()) total += node->revision();
  return total;
}

void GraphView::transaction(const std::function<void()>& edit) {
  const GraphViewPtr keep = shared_from_this();
  detail::EditLog::run([&] {
    recordBoundary();
    if (mSuspended) return edit();  // the outer transaction refreshes the boundary
    mSuspended = true;
    try {
      edit();
    } catch (...) {
      mSuspended = false;
      mTouched.clear();
      throw;
    }
    mSuspended = false;
    refreshBoundary();
  });
}

}  // namespace Aidge
