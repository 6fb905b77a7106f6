// Private to fibnlr: all or nothing for attributes and observers (the graph's own transaction covers nodes and edges).
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "aidge/fibnlr/Attributes.hpp"
#include "aidge/graph/GraphView.hpp"

namespace Aidge::fibnlr::detail {

/// The attributes and observers of FIBNLR on every node of a graph, at whatever depth.
class Snapshot {
 public:
  explicit Snapshot(const GraphViewPtr& model);
  void restore() const;

 private:
  struct State {
    NodePtr node;
    std::optional<NPR> ratio;
    std::optional<NNPR> normalized;
    std::optional<ActivityTracker> activity;
    std::optional<Group> group;
    bool observed = false;
  };
  std::vector<State> mStates;
};

/// Runs `work`; if it throws, attributes and observers are put back as they were and the exception goes on.
void allOrNothing(const GraphViewPtr& model, const std::function<void()>& work);

}  // namespace Aidge::fibnlr::detail
