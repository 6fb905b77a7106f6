// Cycles are found by ranks: a node's rank is above those of its parents. An edge that agrees with the ranks makes no cycle; for another one the nodes between
// both ranks are searched, from both ends, and the smaller set gets new ranks (Pearce and Kelly, A dynamic topological sort algorithm for directed acyclic
// graphs, 2007). So an edit costs what it touches, whatever the size of the graph.
#include <algorithm>
#include <limits>
#include <unordered_set>

#include "aidge/core/Errors.hpp"
#include "aidge/graph/Node.hpp"
#include "core/EditLog.hpp"

namespace Aidge {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// One end of the search: nodes in the order in which they are found.
struct Search {
  std::vector<NodePtr> found;
  std::unordered_set<const Node*> seen;
  std::size_t expanded = 0;
  double bound;  ///< nearest rank beyond the nodes found

  Search(NodePtr first, double start) : bound(start) {
    seen.insert(first.get());
    found.push_back(std::move(first));
  }
  void add(const NodePtr& node) {
    if (seen.insert(node.get()).second) found.push_back(node);
  }
  [[nodiscard]] bool isOver() const { return expanded == found.size(); }
};

}  // namespace

void Node::setRank(double rank) {
  detail::EditLog::record([self = shared_from_this(), old = mRank] { self->mRank = old; });
  mRank = rank;
}

void Node::rankBehind(const NodePtr& parent) {
  const auto throwCycle = [&] {
    throwInvalid("graph::setInput", "connecting " + parent->describe() + " to " + describe() + " would make a cycle");
  };
  if (parent.get() == this) throwCycle();
  if (parent->mRank < mRank) return;
  Search forward(shared_from_this(), kInfinity);  // what depends on this node, up to the parent's rank
  Search backward(parent, -kInfinity);            // what the parent depends on, down to this node's rank
  while (!forward.isOver() && !backward.isOver()) {
    const NodePtr later = forward.found[forward.expanded++];
    for (const NodePtr& child : later->getChildren()) {
      if (child == parent) throwCycle();
      if (child->mRank <= parent->mRank) {
        forward.add(child);
      } else {
        forward.bound = std::min(forward.bound, child->mRank);
      }
    }
    const NodePtr earlier = backward.found[backward.expanded++];
    for (const NodePtr& source : earlier->getParents()) {
      if (!source) continue;
      if (source.get() == this) throwCycle();
      if (source->mRank >= mRank) {
        backward.add(source);
      } else {
        backward.bound = std::max(backward.bound, source->mRank);
      }
    }
  }
  const bool movesBack = backward.isOver();
  std::vector<NodePtr>& moved = movesBack ? backward.found : forward.found;
  std::sort(moved.begin(), moved.end(), [](const NodePtr& a, const NodePtr& b) { return a->mRank < b->mRank; });
  const double low = movesBack ? backward.bound : parent->mRank;
  const double high = movesBack ? mRank : forward.bound;
  const auto count = static_cast<double>(moved.size());
  const double step = low == -kInfinity || high == kInfinity ? 1.0 : (high - low) / (count + 1.0);
  const double first = low == -kInfinity ? high - count : low + step;
  std::vector<double> ranks;
  for (std::size_t i = 0; i < moved.size(); ++i) ranks.push_back(first + step * static_cast<double>(i));
  const bool fits =
      ranks.front() > low && ranks.back() < high && std::adjacent_find(ranks.begin(), ranks.end(), std::greater_equal<>()) == ranks.end();
  if (fits) {
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i]->setRank(ranks[i]);
  } else {
    pushBehind(parent->mRank);
  }
}

void Node::pushBehind(double rank) {
  Search later(shared_from_this(), 0.0);
  while (!later.isOver()) {
    const NodePtr node = later.found[later.expanded++];
    for (const NodePtr& child : node->getChildren()) later.add(child);
  }
  std::sort(later.found.begin(), later.found.end(), [](const NodePtr& a, const NodePtr& b) { return a->mRank < b->mRank; });
  setRank(rank + 1.0);
  for (const NodePtr& node : later.found) {
    double least = node->mRank;
    for (const NodePtr& source : node->getParents()) {
      if (source && source->mRank >= least) least = source->mRank + 1.0;
    }
    if (least != node->mRank) node->setRank(least);
  }
}

}  // namespace Aidge
