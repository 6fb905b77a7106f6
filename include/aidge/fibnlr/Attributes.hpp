#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <type_traits>
#include <utility>

#include "aidge/core/Export.hpp"
#include "aidge/core/Types.hpp"
#include "aidge/graph/Attributes.hpp"
#include "aidge/graph/Node.hpp"
#include "aidge/statistics/ChannelActivity.hpp"
#include "aidge/statistics/SignBalance.hpp"

namespace Aidge::fibnlr {

/// Negative/positive ratio of the values at a node's input: `value() = (neg + eps) / (pos + eps)`, magnitudes, over all batches.
/// The formula is that of FIBNLR in Eclipse Aidge 0.10 (see Fibnlr.hpp).
struct AIDGE_EXPORT NPR : statistics::SignBalance {
  static constexpr std::string_view name = "fibnlr.NPR";

  friend bool operator==(const NPR&, const NPR&) = default;
  /// By value().
  friend bool operator<(const NPR& a, const NPR& b) noexcept { return a.value() < b.value(); }
};

/// Which channels of a node's input were ever > 0. Information only: it enters neither NPR nor NNPR nor pruning.
struct AIDGE_EXPORT ActivityTracker : statistics::ChannelActivity {
  static constexpr std::string_view name = "fibnlr.ActivityTracker";
  using ChannelActivity::ChannelActivity;

  friend bool operator==(const ActivityTracker&, const ActivityTracker&) = default;
  /// By number of dead neurons.
  friend bool operator<(const ActivityTracker& a, const ActivityTracker& b) noexcept { return a.countDeadNeurons() < b.countDeadNeurons(); }
};

/// NPR normalised within the node's group. NaN from `prepare` until `compute` or `computeNNPR` sets it.
struct AIDGE_EXPORT NNPR {
  static constexpr std::string_view name = "fibnlr.NNPR";
  double value = 0.0;

  friend auto operator<=>(const NNPR&, const NNPR&) = default;
};

/// The group in which a node is normalised and ranked.
struct AIDGE_EXPORT Group {
  static constexpr std::string_view name = "fibnlr.Group";
  std::uint64_t id = 0;

  friend auto operator<=>(const Group&, const Group&) = default;
};

/// Orders nodes by creation, so that no result depends on addresses.
struct ByNodeId {
  bool operator()(const NodePtr& a, const NodePtr& b) const noexcept { return (a ? a->id() : 0) < (b ? b->id() : 0); }
};
using NodeSet = std::set<NodePtr, ByNodeId>;
template <typename T> using NodeMap = std::map<NodePtr, T, ByNodeId>;

// --- access --------------------------------------------------------------------------------------------------------
// T is the attribute, R a compile-time relation, `relation` a run-time one. All throw std::invalid_argument on a null node,
// and where the node holds an attribute of that name but of another type.

namespace detail {
/// The store of a node. Throws std::invalid_argument on null.
AIDGE_EXPORT AttributeStore& storeOf(const NodePtr& node);
}  // namespace detail

/// Adds a default T, or keeps the one that is there.
template <NodeAttribute T> void add(const NodePtr& node) { detail::storeOf(node).add<T>(); }
template <NodeAttribute T> void add(Id relation, const NodePtr& node) { detail::storeOf(node).add<T>(relation); }
template <AttributeRelation R, NodeAttribute T> void add(const NodePtr& node) { detail::storeOf(node).add<T>(std::string(R::name)); }

/// Sets T, adding it where it is missing. References handed out earlier see the new value.
template <NodeAttribute T> void set(const NodePtr& node, const T& value) { detail::storeOf(node).set<T>({}, value); }
template <NodeAttribute T> void set(const NodePtr& node, T&& value) { detail::storeOf(node).set<T>({}, std::move(value)); }
template <NodeAttribute T> void set(Id relation, const NodePtr& node, const T& value) { detail::storeOf(node).set<T>(relation, value); }
template <NodeAttribute T> void set(Id relation, const NodePtr& node, T&& value) {
  detail::storeOf(node).set<T>(relation, std::move(value));
}
// The value's type is not deduced here: `set<NPR>(node, npr)` must not be taken for the relation NPR.
template <AttributeRelation R, NodeAttribute T> void set(const NodePtr& node, const std::type_identity_t<T>& value) {
  detail::storeOf(node).set<T>(std::string(R::name), value);
}
template <AttributeRelation R, NodeAttribute T> void set(const NodePtr& node, std::type_identity_t<T>&& value) {
  detail::storeOf(node).set<T>(std::string(R::name), std::move(value));
}

template <NodeAttribute T> [[nodiscard]] bool has(const NodePtr& node) { return detail::storeOf(node).has<T>(); }
template <NodeAttribute T> [[nodiscard]] bool has(Id relation, const NodePtr& node) { return detail::storeOf(node).has<T>(relation); }
template <AttributeRelation R, NodeAttribute T> [[nodiscard]] bool has(const NodePtr& node) {
  return detail::storeOf(node).has<T>(std::string(R::name));
}

/// Throws MissingAttributeError, naming attribute and node, where there is none.
template <NodeAttribute T> [[nodiscard]] T& get(const NodePtr& node) { return *detail::storeOf(node).get<T>({}, node->describe()); }
template <NodeAttribute T> [[nodiscard]] T& get(Id relation, const NodePtr& node) {
  return *detail::storeOf(node).get<T>(relation, node->describe());
}
template <AttributeRelation R, NodeAttribute T> [[nodiscard]] T& get(const NodePtr& node) {
  return *detail::storeOf(node).get<T>(std::string(R::name), node->describe());
}

/// nullptr if there is none.
template <NodeAttribute T> [[nodiscard]] T* tryGet(const NodePtr& node) { return detail::storeOf(node).find<T>().get(); }
template <NodeAttribute T> [[nodiscard]] T* tryGet(Id relation, const NodePtr& node) {
  return detail::storeOf(node).find<T>(relation).get();
}
template <AttributeRelation R, NodeAttribute T> [[nodiscard]] T* tryGet(const NodePtr& node) {
  return detail::storeOf(node).find<T>(std::string(R::name)).get();
}

/// Orders nodes by their NNPR, smallest first. Throws MissingAttributeError where a node has none.
[[nodiscard]] AIDGE_EXPORT bool compareNNPR(const NodePtr& a, const NodePtr& b);

}  // namespace Aidge::fibnlr
