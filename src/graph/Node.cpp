#include "aidge/graph/Node.hpp"

#include <algorithm>
#include <atomic>

#include "aidge/core/Errors.hpp"
#include "aidge/graph/GraphView.hpp"
#include "aidge/graph/MakeNode.hpp"
#include "aidge/graph/Observer.hpp"
#include "aidge/operator/Operator.hpp"
#include "core/EditLog.hpp"

namespace Aidge {

namespace {

std::uint64_t nextId() {
  static std::atomic<std::uint64_t> counter{0};
  return ++counter;
}

}  // namespace

struct Node::Hooks {
  enum class Side : std::uint8_t { Input, Output };
  struct ObserverEntry {
    std::uint64_t key;
    Side side;
    IOIndex_t index;
    std::shared_ptr<Observer> observer;
  };
  static HookHandle addObserver(const std::shared_ptr<Hooks>& hooks, Side side, IOIndex_t index, std::shared_ptr<Observer> observer);
  [[nodiscard]] std::vector<std::shared_ptr<Observer>> observersOf(Side side, IOIndex_t index) const;

  std::uint64_t lastKey = 0;
  std::uint64_t revision = 0;
  std::vector<std::pair<std::uint64_t, Hook>> before;
  std::vector<std::pair<std::uint64_t, Hook>> after;
  std::vector<ObserverEntry> observers;
};

Node::Node(std::shared_ptr<Operator> op, std::string name)
    : mId(nextId()), mName(std::move(name)), mOperator(std::move(op)), mHooks(std::make_shared<Hooks>()), mRank(static_cast<double>(mId)) {
  if (!mOperator) throwExpected("graph::Node", "an operator", "none");
  mInputs.resize(mOperator->nbInputs());
  mChildren.resize(mOperator->nbOutputs());
}

NodePtr Node::create(std::shared_ptr<Operator> op, std::string name) { return NodePtr(new Node(std::move(op), std::move(name))); }

Node::~Node() {
  // A chain of parents is released iteratively: recursion would overflow the stack on a very deep network.
  std::vector<NodePtr> pending;
  for (TensorRef& edge : mInputs) {
    if (edge.node) pending.push_back(std::move(edge.node));
  }
  while (!pending.empty()) {
    const NodePtr node = std::move(pending.back());
    pending.pop_back();
    if (node.use_count() != 1) continue;
    for (TensorRef& edge : node->mInputs) {
      if (edge.node) pending.push_back(std::move(edge.node));
    }
  }
}

const std::string& Node::type() const noexcept { return mOperator->type(); }

void Node::setName(std::string name) {
  for (const auto& weak : mViews) {
    const GraphViewPtr view = weak.lock();
    if (!view) continue;
    const NodePtr other = view->findNode(name);
    if (other && other.get() != this) throwExpected("graph::setName", "a name that no other node of the graph has", "\"" + name + "\"");
  }
  rename(std::move(name));
}

void Node::rename(std::string name) {
  for (const auto& weak : mViews) {
    const GraphViewPtr view = weak.lock();
    if (!view) continue;
    view->removeName(mName);
    view->addName(name, this);
  }
  std::swap(mName, name);
  detail::EditLog::record([self = shared_from_this(), old = std::move(name)] { self->rename(old); });
  bump();
}

InputCategory Node::inputCategory(IOIndex_t index) const { return mOperator->inputSpec(index).category; }

const TensorRef& Node::input(IOIndex_t index) const {
  if (index >= mInputs.size()) {
    throwExpected("graph::input", "an input index below " + std::to_string(mInputs.size()) + " on " + describe(), std::to_string(index));
  }
  return mInputs[index];
}

std::vector<TensorRef> Node::output(IOIndex_t index) const {
  if (index >= mChildren.size()) {
    throwExpected("graph::output", "an output index below " + std::to_string(mChildren.size()) + " on " + describe(),
                  std::to_string(index));
  }
  std::vector<TensorRef> edges;
  for (const ChildEdge& child : mChildren[index]) {
    if (NodePtr node = child.node.lock()) edges.push_back({std::move(node), child.input});
  }
  std::sort(edges.begin(), edges.end(),
            [](const TensorRef& a, const TensorRef& b) { return std::pair(a.node->id(), a.index) < std::pair(b.node->id(), b.index); });
  return edges;
}

std::vector<std::vector<TensorRef>> Node::outputs() const {
  std::vector<std::vector<TensorRef>> result;
  for (IOIndex_t i = 0; i < nbOutputs(); ++i) result.push_back(output(i));
  return result;
}

std::vector<NodePtr> Node::getParents() const {
  std::vector<NodePtr> parents;
  for (const TensorRef& edge : mInputs) parents.push_back(edge.node);
  return parents;
}

std::vector<NodePtr> Node::getChildren() const {
  std::vector<NodePtr> children;
  for (IOIndex_t i = 0; i < nbOutputs(); ++i) {
    for (TensorRef& edge : output(i)) children.push_back(std::move(edge.node));
  }
  std::sort(children.begin(), children.end(), [](const NodePtr& a, const NodePtr& b) { return a->id() < b->id(); });
  children.erase(std::unique(children.begin(), children.end()), children.end());
  return children;
}

std::vector<NodePtr> Node::getChildren(IOIndex_t index) const {
  std::vector<NodePtr> children;
  for (TensorRef& edge : output(index)) {
    if (children.empty() || children.back() != edge.node) children.push_back(std::move(edge.node));
  }
  return children;
}

// --- edges ----------------------------------------------------------------------------------------------------------

void Node::detach(IOIndex_t inIndex) {
  auto& [parent, outIndex] = mInputs[inIndex];
  if (!parent) return;
  std::erase_if(parent->mChildren[outIndex], [&](const ChildEdge& child) {
    const NodePtr node = child.node.lock();
    return !node || (node.get() == this && child.input == inIndex);
  });
  detail::EditLog::record(
      [self = shared_from_this(), inIndex, parent = parent, outIndex = outIndex] { self->attach(inIndex, parent, outIndex); });
  parent->bump();
  parent.reset();
  outIndex = 0;
  bump();
}

void Node::attach(IOIndex_t inIndex, const NodePtr& parent, IOIndex_t outIndex) {
  mInputs[inIndex] = {parent, outIndex};
  parent->mChildren[outIndex].push_back({weak_from_this(), inIndex});
  detail::EditLog::record([self = shared_from_this(), inIndex] { self->detach(inIndex); });
  parent->bump();
  bump();
}

void Node::refreshViews(std::initializer_list<NodePtr> others) {
  const NodePtr self = shared_from_this();
  for (const auto& weak : std::vector<std::weak_ptr<GraphView>>(mViews)) {
    const GraphViewPtr view = weak.lock();
    if (!view) continue;
    view->touch(self);
    for (const NodePtr& node : others) view->touch(node);
    view->refreshBoundary();
  }
}

void Node::setInput(IOIndex_t inIndex, const NodePtr& parent, IOIndex_t outIndex) {
  static_cast<void>(input(inIndex));
  if (!parent) {
    resetInput(inIndex);
    return;
  }
  if (outIndex >= parent->nbOutputs()) {
    throwExpected("graph::setInput", "an output index below " + std::to_string(parent->nbOutputs()) + " on " + parent->describe(),
                  std::to_string(outIndex));
  }
  rankBehind(parent);
  const NodePtr before = mInputs[inIndex].node;
  detach(inIndex);
  attach(inIndex, parent, outIndex);
  refreshViews({before, parent});
}

void Node::resetInput(IOIndex_t inIndex) {
  const NodePtr before = input(inIndex).node;
  if (!before) return;
  detach(inIndex);
  refreshViews({before});
}

void Node::addChild(const NodePtr& child, IOIndex_t outIndex, IOIndex_t inIndex) {
  if (!child) throwExpected("graph::addChild", "a node", "none");
  if (inIndex == kFirstFree) {
    inIndex = 0;
    while (inIndex < child->nbInputs() && (child->mInputs[inIndex].node || child->inputCategory(inIndex) != InputCategory::Data)) ++inIndex;
    if (inIndex == child->nbInputs()) throwExpected("graph::addChild", "a free data input on " + child->describe(), "none");
  }
  child->setInput(inIndex, shared_from_this(), outIndex);
}

// --- hooks and observers --------------------------------------------------------------------------------------------

HookHandle Node::addBeforeForward(Hook hook) {
  const std::uint64_t key = ++mHooks->lastKey;
  mHooks->before.emplace_back(key, std::move(hook));
  ++mHooks->revision;
  return HookHandle([weak = std::weak_ptr<Hooks>(mHooks), key] {
    if (const auto hooks = weak.lock()) {
      std::erase_if(hooks->before, [key](const auto& entry) { return entry.first == key; });
      ++hooks->revision;
    }
  });
}

HookHandle Node::addAfterForward(Hook hook) {
  const std::uint64_t key = ++mHooks->lastKey;
  mHooks->after.emplace_back(key, std::move(hook));
  ++mHooks->revision;
  return HookHandle([weak = std::weak_ptr<Hooks>(mHooks), key] {
    if (const auto hooks = weak.lock()) {
      std::erase_if(hooks->after, [key](const auto& entry) { return entry.first == key; });
      ++hooks->revision;
    }
  });
}

HookHandle Node::Hooks::addObserver(const std::shared_ptr<Hooks>& hooks, Side side, IOIndex_t index, std::shared_ptr<Observer> observer) {
  if (!observer) throwExpected("graph::addObserver", "an observer", "none");
  const std::uint64_t key = ++hooks->lastKey;
  hooks->observers.push_back({key, side, index, std::move(observer)});
  ++hooks->revision;
  return HookHandle([weak = std::weak_ptr<Hooks>(hooks), key] {
    if (const auto held = weak.lock()) {
      std::erase_if(held->observers, [key](const auto& entry) { return entry.key == key; });
      ++held->revision;
    }
  });
}

std::vector<std::shared_ptr<Observer>> Node::Hooks::observersOf(Side side, IOIndex_t index) const {
  std::vector<std::shared_ptr<Observer>> found;
  for (const ObserverEntry& entry : observers) {
    if (entry.side == side && entry.index == index) found.push_back(entry.observer);
  }
  return found;
}

HookHandle Node::addInputObserver(IOIndex_t index, std::shared_ptr<Observer> observer) {
  static_cast<void>(input(index));
  return Hooks::addObserver(mHooks, Hooks::Side::Input, index, std::move(observer));
}

HookHandle Node::addOutputObserver(IOIndex_t index, std::shared_ptr<Observer> observer) {
  static_cast<void>(output(index));
  if (mOperator->isProducer()) throwExpected("graph::addOutputObserver", "a node that computes something", describe());
  return Hooks::addObserver(mHooks, Hooks::Side::Output, index, std::move(observer));
}

std::vector<Node::Hook> Node::beforeForwardHooks() const {
  std::vector<Hook> hooks;
  for (const auto& [key, hook] : mHooks->before) hooks.push_back(hook);
  return hooks;
}

std::vector<Node::Hook> Node::afterForwardHooks() const {
  std::vector<Hook> hooks;
  for (const auto& [key, hook] : mHooks->after) hooks.push_back(hook);
  return hooks;
}

std::vector<std::shared_ptr<Observer>> Node::inputObservers(IOIndex_t index) const {
  return mHooks->observersOf(Hooks::Side::Input, index);
}

std::vector<std::shared_ptr<Observer>> Node::outputObservers(IOIndex_t index) const {
  return mHooks->observersOf(Hooks::Side::Output, index);
}

bool Node::hasHooks() const noexcept { return !mHooks->before.empty() || !mHooks->after.empty(); }
bool Node::hasObservers() const noexcept { return !mHooks->observers.empty(); }

NodePtr Node::clone() const {
  auto copy = create(mOperator->clone(), mName);
  copy->mAttributes = mAttributes.clone();
  return copy;
}

std::string Node::describe() const { return "\"" + mName + "\" (" + type() + ")"; }

std::uint64_t Node::revision() const noexcept { return mRevision + mHooks->revision + mOperator->revision(); }

// --- makers ---------------------------------------------------------------------------------------------------------

NodePtr makeNode(std::string_view type, AttributeMap attributes, std::string name, IOIndex_t nbInputs) {
  return Node::create(std::make_shared<Operator>(type, std::move(attributes), nbInputs), std::move(name));
}

NodePtr Producer(Tensor value, std::string name, bool constant) {
  return Node::create(Operator::producer(std::move(value), constant), std::move(name));
}

NodePtr GenericOperator(std::string type, IOIndex_t nbInputs, IOIndex_t nbOutputs, std::string name, AttributeMap attributes) {
  return Node::create(Operator::generic(std::move(type), nbInputs, nbOutputs, std::move(attributes)), std::move(name));
}

NodePtr MetaOperator(std::string type, GraphViewPtr graph, std::string name) {
  return Node::create(Operator::meta(std::move(type), std::move(graph)), std::move(name));
}

}  // namespace Aidge
