#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/core/Types.hpp"
#include "aidge/graph/Node.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge {

/// A named entry of a graph: everything that the fed tensor goes to.
struct AIDGE_EXPORT GraphInput {
  std::string name;
  Dims dims;  ///< kDynamicDim where free; empty with `hasDims == false` where nothing is known
  bool hasDims = false;
  DataType dtype = DataType::Float32;
  std::vector<TensorRef> targets;  ///< (node, input index); never empty
};

/// A named exit of a graph.
struct AIDGE_EXPORT GraphOutput {
  std::string name;
  NodePtr node;
  IOIndex_t index = 0;
};

class GraphShapes;

/// A set of nodes with ordered, named inputs and outputs. Every edit bumps `version()`; an edit that throws leaves the graph as it was. Graphs are always
/// shared: `create` makes them. Several threads may read and run one graph at a time; while one edits it, no other may use it.
class AIDGE_EXPORT GraphView : public OperatorBody, public std::enable_shared_from_this<GraphView> {
 public:
  [[nodiscard]] static GraphViewPtr create(std::string name = "");
  ~GraphView() override;
  GraphView(const GraphView&) = delete;
  GraphView& operator=(const GraphView&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return mName; }
  void setName(std::string name) { mName = std::move(name); }

  // --- nodes ------------------------------------------------------------------------------------------------------
  /// Adds the node and, by default, the producers that feed it. Unnamed nodes get a name ("Conv2D_3"); a name that is
  /// already taken by another node is an error. Unconnected data inputs become graph inputs, outputs without consumer in the
  /// graph become graph outputs (in order of arrival), until setOrderedInputs / setOrderedOutputs / setInputs say otherwise.
  void add(const NodePtr& node, bool includeProducers = true);
  void add(std::span<const NodePtr> nodes, bool includeProducers = true);
  /// Adds all nodes of another graph (shared, not copied), its inputs and outputs after ours.
  void add(const GraphView& other);
  /// A node, with the producers that feed it, or a graph.
  using Part = std::variant<NodePtr, GraphViewPtr>;
  /// Adds nodes and graphs. The inputs and outputs of a graph keep what they were declared with: name (with a number if it is taken), dims, type, and the
  /// targets that nothing in this graph feeds. A tensor that a part reads is no longer an output of this graph.
  void add(std::span<const Part> parts);
  /// Takes the node out and disconnects it from the nodes that stay (with its exclusive producers, if asked).
  void remove(const NodePtr& node, bool includeProducers = true);
  /// Puts `newNode` (inputs and outputs of the same count) in the place of `oldNode`: edges, graph inputs and outputs, position.
  void replace(const NodePtr& oldNode, const NodePtr& newNode);
  /// Puts a chain of new nodes, connected among themselves, in the place of a region: nodes that take one tensor from outside (producers aside), at
  /// whatever inputs, and give one. The first new node's input 0 gets it, the last one's output 0 takes the region's place. Throws
  /// std::invalid_argument if the region takes or gives none or several.
  void replace(std::span<const NodePtr> region, std::span<const NodePtr> chain);
  /// Takes a node with one data input out and wires its parent (or the graph input that feeds it) to its consumers; graph outputs
  /// move to the parent. Where the node joins a graph input directly to a graph output an Identity of the same name takes its place.
  void bypass(const NodePtr& node);
  /// Puts `node` (one data input, one output) between `parent`'s output and all that consumed it.
  void insertAfter(const NodePtr& parent, IOIndex_t output, const NodePtr& node);
  /// Connects `child` after the graph's only output (or `from`'s output) and adds it.
  void addChild(const NodePtr& child, const NodePtr& from = nullptr, IOIndex_t outIndex = 0, IOIndex_t inIndex = Node::kFirstFree);

  [[nodiscard]] std::size_t size() const noexcept { return mNodes.size(); }
  [[nodiscard]] bool contains(const NodePtr& node) const { return node && mPlaces.count(node.get()) != 0; }
  /// Nodes in order of arrival, up to the next edit.
  [[nodiscard]] const std::vector<NodePtr>& nodes() const;
  /// Deterministic topological order (Kahn; among the ready ones, order of arrival), producers right before their first consumer.
  [[nodiscard]] std::vector<NodePtr> orderedNodes() const;
  /// Like orderedNodes, with every meta operator followed by the ordered nodes inside it, whatever the depth.
  [[nodiscard]] std::vector<NodePtr> orderedNodesDeep() const;
  /// nullptr if there is none.
  [[nodiscard]] NodePtr findNode(std::string_view name) const;
  /// Throws std::invalid_argument with the nearest names where there is none.
  [[nodiscard]] NodePtr getNode(std::string_view name) const;
  /// `base`, or base_1, base_2 … : a name that no node of this graph has.
  [[nodiscard]] std::string uniqueName(std::string_view base) const;
  /// The graph (this one or one inside a meta operator, whatever the depth) that holds `node`; nullptr if none.
  [[nodiscard]] GraphViewPtr ownerOf(const NodePtr& node);

  // --- inputs and outputs -----------------------------------------------------------------------------------------
  [[nodiscard]] const std::vector<GraphInput>& inputs() const noexcept { return mInputs; }
  [[nodiscard]] const std::vector<GraphOutput>& outputs() const noexcept { return mOutputs; }
  /// Declares the inputs; their targets must be unconnected inputs of nodes of this graph. Data inputs that no entry lists become inputs of their own.
  void setInputs(std::vector<GraphInput> inputs);
  void setOutputs(std::vector<GraphOutput> outputs);
  /// First target of every input / source of every output.
  [[nodiscard]] std::vector<TensorRef> orderedInputs() const;
  [[nodiscard]] std::vector<TensorRef> orderedOutputs() const;
  /// Reorders: the given edges (any target of an input) first, the others after them in their old order.
  void setOrderedInputs(std::span<const TensorRef> order);
  void setOrderedOutputs(std::span<const TensorRef> order);
  /// Puts inputs that feed a mandatory data input before those that only feed optional ones or parameters; stable.
  void setMandatoryInputsFirst();

  // --- shapes and compilation -------------------------------------------------------------------------------------
  /// Dims and types of every tensor (meta operators' inner nodes included) for these input dims (in order; empty: the declared ones, dynamic dims taken as 1).
  /// Changes nothing. Nodes whose dims depend on values (NonZero, Loop …), and all nodes after them, are absent. Throws as forwardDims does.
  [[nodiscard]] GraphShapes inferShapes(const std::vector<Dims>& inputDims = {}, const Inference& with = {}) const;
  /// Like inferShapes, but every node must have known dims. Throws UnsupportedError, which names `where` and the nodes whose dims depend on values.
  [[nodiscard]] GraphShapes inferAllShapes(std::string_view where, const std::vector<Dims>& inputDims, const Inference& with = {}) const;
  /// Infers the dims of every output as inferShapes does, and publishes them: node->getOperator()->getOutput(i)->dims().
  /// Throws std::invalid_argument naming the node where shapes do not fit, UnsupportedError listing all generic operators whose
  /// outputs have no declared dims.
  void forwardDims(const std::vector<Dims>& inputDims = {}, const Inference& with = {});
  void setBackend(std::string backend);
  [[nodiscard]] const std::string& backend() const noexcept { return mBackend; }
  void setDataType(DataType dtype);
  [[nodiscard]] DataType dataType() const noexcept { return mDataType; }
  /// Forwards to compileGraph (aidge/scheduler/Compile.hpp), which belongs to the layer that knows backends.
  void compile(const std::string& backend, DataType dtype = DataType::Float32, const std::vector<Dims>& inputDims = {},
               const BackendOptions& options = {});
  /// Those of the last compile; they go before the backend's own settings.
  [[nodiscard]] const BackendOptions& backendOptions() const noexcept { return mBackendOptions; }
  [[nodiscard]] bool isCompiled() const noexcept { return mCompiled; }
  /// What compiling fixes: input dims and options.
  void setCompiled(std::vector<Dims> inputDims, BackendOptions options);
  [[nodiscard]] const std::vector<Dims>& compiledDims() const noexcept { return mCompiledDims; }

  /// Copies nodes, operators, attributes, inputs and outputs; producers' data is copied too. Hooks and observers stay behind.
  [[nodiscard]] GraphViewPtr clone() const;
  /// Grows with every edit of the graph, its nodes, their operators or weights (through this library's interface).
  [[nodiscard]] std::uint64_t version() const override;
  /// Runs `edit`; if it throws, everything that it did to graphs, nodes, edges, attributes of operators and producers' values is undone and the exception
  /// continues. Not undone: typed attributes, hooks, and writes into a tensor's memory.
  void transaction(const std::function<void()>& edit);
  /// `action` is called once, when this graph is destroyed; it must not throw.
  void atEnd(std::function<void()> action) { mAtEnd.push_back(std::move(action)); }

  // --- as the work of a meta operator -----------------------------------------------------------------------------
  [[nodiscard]] std::vector<std::string> inputNames() const override;
  [[nodiscard]] IOIndex_t nbResults() const override { return mOutputs.size(); }
  [[nodiscard]] std::vector<TensorInfo> inferResults(std::span<const TensorInfo> inputs, const Inference& with) const override;
  [[nodiscard]] std::shared_ptr<OperatorBody> cloneBody() const override { return clone(); }

  /// Annotations that travel with the graph (e.g. the ONNX opset it came from).
  [[nodiscard]] std::map<std::string, std::string>& metadata() noexcept { return mMetadata; }
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const noexcept { return mMetadata; }

 private:
  friend class Node;
  friend class GraphShapes;
  explicit GraphView(std::string name) : mName(std::move(name)) {}

  [[nodiscard]] bool isBoundaryInput(const Node& node, IOIndex_t index) const;
  /// Whether a node of this graph takes the output; `except`: consumers in that graph do not count.
  [[nodiscard]] bool isConsumed(const NodePtr& node, IOIndex_t index, const GraphView* except = nullptr) const;
  void applyShapes(const GraphShapes& shapes);
  struct RegionBorder;
  [[nodiscard]] RegionBorder borderOf(std::span<const NodePtr> region) const;
  /// Disconnects and erases the nodes and the producers that fed only them; returns the place where the first one stood.
  double eraseRegion(std::span<const NodePtr> region);
  void insertChain(std::span<const NodePtr> chain, double at);

  // Nodes by place. Each change can be undone by a transaction.
  void insertNode(const NodePtr& node);
  void insertNodeAt(const NodePtr& node, double place);
  void eraseNode(const NodePtr& node);
  void link(const NodePtr& node, double place);
  void unlink(const NodePtr& node);
  [[nodiscard]] double endPlace() const { return mNodes.empty() ? 0.0 : mNodes.rbegin()->first + 1.0; }
  /// `count` free places, ascending, the first one `at` if that is free, all before the next node.
  [[nodiscard]] std::vector<double> placesFrom(double at, std::size_t count);
  void addName(const std::string& name, Node* node);
  void removeName(const std::string& name);

  // Inputs and outputs.
  void adoptInputs(const Part& part);
  void adoptOutputs(const Part& part);
  void recordBoundary();
  void touch(const NodePtr& node) { mTouched.push_back(node); }
  /// Drops inputs and outputs that are none any more, adds new dangling ones of the nodes that were touched since the last time.
  void refreshBoundary();
  void refreshInputs(std::span<const NodePtr> touched);
  void refreshOutputs(std::span<const NodePtr> touched);
  [[nodiscard]] std::vector<NodePtr> takeTouched();
  void bump() noexcept { ++mVersion; }

  std::string mName;
  std::map<double, NodePtr> mNodes;  ///< by place: ascending in order of arrival
  std::unordered_map<const Node*, double> mPlaces;
  std::unordered_map<std::string, Node*> mNames;
  /// Which of base_1, base_2 … are taken: all below `next`, besides those that were given back.
  struct Numbers {
    std::size_t next = 1;
    std::set<std::size_t> free;
  };
  std::unordered_map<std::string, Numbers> mNumbers;  ///< by base
  mutable std::mutex mListMutex;
  mutable std::vector<NodePtr> mList;  ///< of mNodes, where mListIsCurrent
  mutable bool mListIsCurrent = true;
  std::vector<GraphInput> mInputs;
  std::vector<GraphOutput> mOutputs;
  std::string mBackend;
  BackendOptions mBackendOptions;
  DataType mDataType = DataType::Float32;
  bool mCompiled = false;
  std::vector<Dims> mCompiledDims;
  std::map<std::string, std::string> mMetadata;
  bool mExplicitOutputs = false;  ///< setOutputs was called: outputs no longer follow from dangling edges
  bool mSuspended = false;        ///< an edit is under way and the boundary is not refreshed
  std::vector<NodePtr> mTouched;  ///< nodes that may have new dangling inputs or outputs
  bool mAllTouched = false;
  std::uint64_t mVersion = 0;
  std::vector<std::function<void()>> mAtEnd;
};

/// The graph inside a meta operator, nullptr for any other operator.
[[nodiscard]] AIDGE_EXPORT GraphViewPtr microGraph(const Operator& op);

/// A chain: every node / graph is fed by the one before it.
[[nodiscard]] AIDGE_EXPORT GraphViewPtr sequential(std::span<const GraphView::Part> parts, std::string name = "");
/// All parts side by side, each with inputs of its own.
[[nodiscard]] AIDGE_EXPORT GraphViewPtr parallel(std::span<const GraphView::Part> parts, std::string name = "");
/// sequential(parts), where the first node's output also goes to the last node's free data input (an Add, say).
[[nodiscard]] AIDGE_EXPORT GraphViewPtr residual(std::span<const GraphView::Part> parts, std::string name = "");
/// All nodes connected with `node`, in order of id.
[[nodiscard]] AIDGE_EXPORT GraphViewPtr getConnectedGraphView(const NodePtr& node);

}  // namespace Aidge
