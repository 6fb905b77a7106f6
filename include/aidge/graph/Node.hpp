#pragma once

#include <compare>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/core/Types.hpp"
#include "aidge/graph/Attributes.hpp"
#include "aidge/graph/Hook.hpp"

namespace Aidge {

class GraphView;
class Node;
class Observer;
class Operator;
enum class InputCategory : std::uint8_t;
using NodePtr = std::shared_ptr<Node>;
using GraphViewPtr = std::shared_ptr<GraphView>;

/// A tensor of a graph, named by a place: what leaves `node` at output `index`, or (as a target or a consumer) what arrives there at input `index`. Without a node
/// it is nothing, or the graph input of that index.
struct TensorRef {
  NodePtr node;
  IOIndex_t index = 0;

  friend bool operator==(const TensorRef&, const TensorRef&) = default;
  /// By address: for maps, never for results.
  friend auto operator<=>(const TensorRef&, const TensorRef&) = default;
};

/// One operator in a graph, with a name, edges, typed attributes and hooks. Parents are shared, children are weak back edges. Nodes are always shared:
/// `create` makes them.
class AIDGE_EXPORT Node : public std::enable_shared_from_this<Node> {
 public:
  using Hook = std::function<void(Node&)>;

  /// A node without edges. Throws std::invalid_argument without an operator.
  [[nodiscard]] static NodePtr create(std::shared_ptr<Operator> op, std::string name = "");
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return mName; }
  /// Throws std::invalid_argument if a graph that holds this node has another node of that name.
  void setName(std::string name);
  /// The operator's type, e.g. "Conv2D".
  [[nodiscard]] const std::string& type() const noexcept;
  [[nodiscard]] const std::shared_ptr<Operator>& getOperator() const noexcept { return mOperator; }
  /// Unique and growing in order of creation.
  [[nodiscard]] std::uint64_t id() const noexcept { return mId; }

  [[nodiscard]] IOIndex_t nbInputs() const noexcept { return mInputs.size(); }
  [[nodiscard]] IOIndex_t nbOutputs() const noexcept { return mChildren.size(); }
  [[nodiscard]] InputCategory inputCategory(IOIndex_t index) const;
  [[nodiscard]] const TensorRef& input(IOIndex_t index) const;
  [[nodiscard]] const std::vector<TensorRef>& inputs() const noexcept { return mInputs; }
  /// Consumers of one output as (child, input index), in order of child id then index.
  [[nodiscard]] std::vector<TensorRef> output(IOIndex_t index) const;
  [[nodiscard]] std::vector<std::vector<TensorRef>> outputs() const;
  [[nodiscard]] NodePtr getParent(IOIndex_t index) const { return input(index).node; }
  /// One entry an input, null where nothing is connected.
  [[nodiscard]] std::vector<NodePtr> getParents() const;
  /// Every consumer once, in order of id.
  [[nodiscard]] std::vector<NodePtr> getChildren() const;
  [[nodiscard]] std::vector<NodePtr> getChildren(IOIndex_t output) const;

  /// Connects input `inIndex` to `parent`'s output, in place of what was there. Throws std::invalid_argument on a bad index or a cycle.
  void setInput(IOIndex_t inIndex, const NodePtr& parent, IOIndex_t outIndex = 0);
  void resetInput(IOIndex_t inIndex);
  /// Connects this node's output to `child`: its input `inIndex`, or its first free data input.
  void addChild(const NodePtr& child, IOIndex_t outIndex = 0, IOIndex_t inIndex = kFirstFree);
  static constexpr IOIndex_t kFirstFree = static_cast<IOIndex_t>(-1);

  // --- typed attributes -------------------------------------------------------------------------------------------
  [[nodiscard]] AttributeStore& attributes() noexcept { return mAttributes; }
  [[nodiscard]] const AttributeStore& attributes() const noexcept { return mAttributes; }
  template <NodeAttribute T> T& add() { return mAttributes.add<T>(); }
  template <NodeAttribute T> T& add(Id relation) { return mAttributes.add<T>(relation); }
  template <AttributeRelation R, NodeAttribute T> T& add() { return mAttributes.add<T>(std::string(R::name)); }
  template <NodeAttribute T> void set(T value) { mAttributes.set<T>({}, std::move(value)); }
  template <NodeAttribute T> void set(Id relation, T value) { mAttributes.set<T>(relation, std::move(value)); }
  template <AttributeRelation R, NodeAttribute T> void set(std::type_identity_t<T> value) {
    mAttributes.set<T>(std::string(R::name), std::move(value));
  }
  template <NodeAttribute T> [[nodiscard]] bool has() const { return mAttributes.has<T>(); }
  template <NodeAttribute T> [[nodiscard]] bool has(Id relation) const { return mAttributes.has<T>(relation); }
  template <AttributeRelation R, NodeAttribute T> [[nodiscard]] bool has() const { return mAttributes.has<T>(std::string(R::name)); }
  template <NodeAttribute T> [[nodiscard]] T& get() { return *mAttributes.get<T>({}, describe()); }
  template <NodeAttribute T> [[nodiscard]] T& get(Id relation) { return *mAttributes.get<T>(relation, describe()); }
  template <AttributeRelation R, NodeAttribute T> [[nodiscard]] T& get() { return *mAttributes.get<T>(std::string(R::name), describe()); }
  template <NodeAttribute T> [[nodiscard]] const T& get() const { return *mAttributes.get<T>({}, describe()); }
  template <NodeAttribute T> [[nodiscard]] const T& get(Id relation) const { return *mAttributes.get<T>(relation, describe()); }
  template <NodeAttribute T> [[nodiscard]] T* tryGet() { return mAttributes.find<T>().get(); }
  template <NodeAttribute T> [[nodiscard]] T* tryGet(Id relation) { return mAttributes.find<T>(relation).get(); }
  template <AttributeRelation R, NodeAttribute T> [[nodiscard]] T* tryGet() { return mAttributes.find<T>(std::string(R::name)).get(); }
  template <NodeAttribute T> [[nodiscard]] const T* tryGet() const { return mAttributes.find<T>().get(); }

  // --- hooks and observers ----------------------------------------------------------------------------------------
  /// Called right before / after this node runs, with its inputs / outputs materialised in its operator.
  HookHandle addBeforeForward(Hook hook);
  HookHandle addAfterForward(Hook hook);
  /// Observes the tensor that arrives at input `index`.
  HookHandle addInputObserver(IOIndex_t index, std::shared_ptr<Observer> observer);
  /// Observes output `index`. Throws std::invalid_argument for a producer, whose value never changes.
  HookHandle addOutputObserver(IOIndex_t index, std::shared_ptr<Observer> observer);
  [[nodiscard]] std::vector<Hook> beforeForwardHooks() const;
  [[nodiscard]] std::vector<Hook> afterForwardHooks() const;
  [[nodiscard]] std::vector<std::shared_ptr<Observer>> inputObservers(IOIndex_t index) const;
  [[nodiscard]] std::vector<std::shared_ptr<Observer>> outputObservers(IOIndex_t index) const;
  [[nodiscard]] bool hasHooks() const noexcept;
  [[nodiscard]] bool hasObservers() const noexcept;

  /// Copy of the operator (a producer's data is copied), name and attributes; no edges, no hooks.
  [[nodiscard]] NodePtr clone() const;
  /// "conv1 (Conv2D)", for messages.
  [[nodiscard]] std::string describe() const;
  /// Grows with every edit of the node, its edges, hooks or operator.
  [[nodiscard]] std::uint64_t revision() const noexcept;

 private:
  friend class GraphView;
  struct Hooks;
  struct ChildEdge {
    std::weak_ptr<Node> node;
    IOIndex_t input;
  };
  Node(std::shared_ptr<Operator> op, std::string name);
  /// Ends an edge, or makes one where there is none. Both can be undone by a transaction, and tell no graph.
  void detach(IOIndex_t inIndex);
  void attach(IOIndex_t inIndex, const NodePtr& parent, IOIndex_t outIndex);
  /// Puts this node's rank above that of `parent`, and so on for what depends on it. Throws std::invalid_argument if `parent` depends on this node.
  void rankBehind(const NodePtr& parent);
  void setRank(double rank);
  /// Ranks this node above `rank`, and all that depends on it accordingly: where no number is left in between.
  void pushBehind(double rank);
  void rename(std::string name);
  /// Tells the graphs of this node and of its former or new parents that an input has changed.
  void refreshViews(std::initializer_list<NodePtr> others);
  void bump() noexcept { ++mRevision; }

  std::uint64_t mId;
  std::string mName;
  std::shared_ptr<Operator> mOperator;
  std::vector<TensorRef> mInputs;
  std::vector<std::vector<ChildEdge>> mChildren;
  std::vector<std::weak_ptr<GraphView>> mViews;
  AttributeStore mAttributes;
  std::shared_ptr<Hooks> mHooks;
  std::uint64_t mRevision = 0;
  double mRank;  ///< above that of every parent: a new edge that agrees with it makes no cycle
};

}  // namespace Aidge
