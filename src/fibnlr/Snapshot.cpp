#include "Snapshot.hpp"

#include "InputObserver.hpp"

namespace Aidge::fibnlr::detail {

namespace {

template <NodeAttribute T> std::optional<T> valueOf(const NodePtr& node) {
  const T* present = tryGet<T>(node);
  return present == nullptr ? std::nullopt : std::optional<T>(*present);
}

template <NodeAttribute T> void putBack(const NodePtr& node, const std::optional<T>& value) {
  if (value) {
    set<T>(node, *value);
  } else {
    node->attributes().remove<T>();
  }
}

}  // namespace

Snapshot::Snapshot(const GraphViewPtr& model) {
  for (const NodePtr& node : model->orderedNodesDeep()) {
    const auto* registration = node->tryGet<Registration>();
    mStates.push_back({node, valueOf<NPR>(node), valueOf<NNPR>(node), valueOf<ActivityTracker>(node), valueOf<Group>(node),
                       registration != nullptr && registration->handle.isActive()});
  }
}

void Snapshot::restore() const {
  for (const State& state : mStates) {
    putBack(state.node, state.ratio);
    putBack(state.node, state.normalized);
    putBack(state.node, state.activity);
    putBack(state.node, state.group);
    detachObserver(state.node);
    if (state.observed) attachObserver(state.node);
  }
}

void allOrNothing(const GraphViewPtr& model, const std::function<void()>& work) {
  const Snapshot before(model);
  try {
    work();
  } catch (...) {
    before.restore();
    throw;
  }
}

}  // namespace Aidge::fibnlr::detail
