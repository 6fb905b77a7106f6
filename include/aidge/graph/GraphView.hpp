#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "aidge/core/Types.hpp"
#include "aidge/graph/Node.hpp"

namespace Aidge {

/// A named entry of a graph: everything that the fed tensor goes to.
struct GraphInput {
  std::string name;
  Dims dims;  ///< kDynamicDim where free; empty with `hasDims == false` where nothing is known
  bool hasDims = false;
  DataType dtype = DataType::Float32;
  std::vector<Node::Edge> targets;  ///< (node, input index); never empty
};

/// A named exit of a graph.
struct GraphOutput {
  std::string name;
  NodePtr node;
  IOIndex_t index = 0;
};

struct TensorInfo;

/// A set of nodes with ordered, named inputs and outputs. Every edit bumps `version()`; an edit that throws leaves the graph as it was.
class GraphView : public std::enable_shared_from_this<GraphView> {
 public:
  explicit GraphView(std::string name = "") : mName(std::move(name)) {}
  ~GraphView();
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
  /// Takes the node out and disconnects it from the nodes that stay (with its exclusive producers, if asked).
  void remove(const NodePtr& node, bool includeProducers = true);
  /// Puts `newNode` (inputs and outputs of the same count) in the place of `oldNode`: edges, graph inputs and outputs, position.
  void replace(const NodePtr& oldNode, const NodePtr& newNode);
  /// Puts a chain of new nodes, connected among themselves, in the place of a region: nodes that take one tensor from outside (producers aside), at
  /// whatever inputs, and give one. The first new node's input 0 gets it, the last one's output 0 takes the region's place. Throws
  /// std::invalid_argument where the region takes or gives none or several.
  void replace(std::span<const NodePtr> region, std::span<const NodePtr> chain);
  /// Takes a node with one data input out and wires its parent (or the graph input that feeds it) to its consumers; graph outputs
  /// move to the parent. Where the node joins a graph input directly to a graph output an Identity of the same name takes its place.
  void bypass(const NodePtr& node);
  /// Puts `node` (one data input, one output) between `parent`'s output and all that consumed it.
  void insertAfter(const NodePtr& parent, IOIndex_t output, const NodePtr& node);
  /// Connects `child` after the graph's only output (or `from`'s output) and adds it.
  void addChild(const NodePtr& child, const NodePtr& from = nullptr, IOIndex_t outIndex = 0, IOIndex_t inIndex = Node::kFirstFree);

  [[nodiscard]] std::size_t size() const noexcept { return mNodes.size(); }
  [[nodiscard]] bool contains(const NodePtr& node) const { return node && mIndex.count(node.get()) != 0; }
  /// Nodes in order of arrival.
  [[nodiscard]] const std::vector<NodePtr>& nodes() const noexcept { return mNodes; }
  /// Deterministic topological order (Kahn; among the ready ones, order of arrival), producers right before their first consumer.
  [[nodiscard]] std::vector<NodePtr> orderedNodes() const;
  /// Like orderedNodes, with every meta operator followed by the ordered nodes inside it, whatever the depth.
  [[nodiscard]] std::vector<NodePtr> orderedNodesDeep() const;
  /// nullptr where there is none.
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
  [[nodiscard]] std::vector<Node::Edge> orderedInputs() const;
  [[nodiscard]] std::vector<Node::Edge> orderedOutputs() const;
  /// Reorders: the given edges (any target of an input) first, the others after them in their old order.
  void setOrderedInputs(std::span<const Node::Edge> order);
  void setOrderedOutputs(std::span<const Node::Edge> order);
  /// Puts inputs that feed a mandatory data input before those that only feed optional ones or parameters; stable.
  void setMandatoryInputsFirst();

  // --- shapes and compilation -------------------------------------------------------------------------------------
  using ShapeMap = std::unordered_map<const Node*, std::vector<TensorInfo>>;
  /// Dims and type of every node's outputs (meta operators' inner nodes included) for these input dims; changes nothing. Nodes behind one whose dims only a run
  /// tells (NonZero, Loop …) are missing, and that one too.
  /// Throws as forwardDims does.
  [[nodiscard]] ShapeMap inferShapes(const std::vector<Dims>& inputDims = {}) const;
  /// The same for whom no node may be missing. Throws UnsupportedError, which names `where` and the nodes whose dims only a run tells.
  [[nodiscard]] ShapeMap inferAllShapes(std::string_view where, const std::vector<Dims>& inputDims) const;
  /// Infers the dims of every output from the graph inputs' dims (in order; empty: the declared ones, dynamic dims taken as 1).
  /// Throws std::invalid_argument naming the node where shapes do not fit, UnsupportedError listing all generic operators whose
  /// outputs have no declared dims. Results: node->getOperator()->getOutput(i)->dims().
  void forwardDims(const std::vector<Dims>& inputDims = {});
  void setBackend(std::string backend);
  [[nodiscard]] const std::string& backend() const noexcept { return mBackend; }
  void setDataType(DataType dtype);
  [[nodiscard]] DataType dataType() const noexcept { return mDataType; }
  /// Fixes backend, type, shapes and options; checks that the backend can run every node (UnsupportedError lists all offenders).
  /// Throws std::invalid_argument for an option that the backend does not know.
  void compile(const std::string& backend, DataType dtype = DataType::Float32, const std::vector<Dims>& inputDims = {},
               const BackendOptions& options = {});
  /// Those of the last compile; they go before the backend's own settings.
  [[nodiscard]] const BackendOptions& backendOptions() const noexcept { return mBackendOptions; }
  [[nodiscard]] bool isCompiled() const noexcept { return mCompiled; }
  [[nodiscard]] const std::vector<Dims>& compiledDims() const noexcept { return mCompiledDims; }

  /// Copies nodes, operators, attributes, inputs and outputs; producers' data is copied too. Hooks and observers stay behind.
  [[nodiscard]] GraphViewPtr clone() const;
  /// Grows with every edit of the graph, its nodes, their operators or weights (through this library's interface).
  [[nodiscard]] std::uint64_t version() const;
  /// Runs `edit`; if it throws, edges, nodes, inputs and outputs are put back as they were and the exception goes on.
  void transaction(const std::function<void()>& edit);

  /// What executes the graph keeps prepared state here, which lives as long as the graph; clones start without. One owner only.
  [[nodiscard]] std::shared_ptr<void>& prepared() noexcept { return mPrepared; }

  /// Annotations that travel with the graph (e.g. the ONNX opset it came from).
  [[nodiscard]] std::map<std::string, std::string>& metadata() noexcept { return mMetadata; }
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const noexcept { return mMetadata; }

 private:
  friend class Node;
  struct Snapshot;
  [[nodiscard]] bool isBoundaryInput(const Node& node, IOIndex_t index) const;
  [[nodiscard]] std::vector<TensorInfo> inputInfos(const std::vector<Dims>& inputDims) const;
  std::vector<TensorInfo> inferInto(ShapeMap& shapes, const std::vector<TensorInfo>& inputs) const;
  void applyShapes(const ShapeMap& shapes);
  struct RegionBorder;
  [[nodiscard]] RegionBorder borderOf(std::span<const NodePtr> region) const;
  /// Disconnects and erases the nodes and the producers that fed only them; returns where the first one stood.
  std::size_t eraseRegion(std::span<const NodePtr> region);
  void insertChain(std::span<const NodePtr> chain, std::size_t at);
  void insertNode(const NodePtr& node);
  void eraseNode(const NodePtr& node);
  void refreshBoundary();  ///< drops dead inputs/outputs, adds new dangling ones
  void bump() noexcept { ++mVersion; }

  std::string mName;
  std::vector<NodePtr> mNodes;
  std::unordered_map<const Node*, std::size_t> mIndex;
  std::vector<GraphInput> mInputs;
  std::vector<GraphOutput> mOutputs;
  std::string mBackend;
  BackendOptions mBackendOptions;
  DataType mDataType = DataType::Float32;
  bool mCompiled = false;
  std::vector<Dims> mCompiledDims;
  std::map<std::string, std::string> mMetadata;
  bool mExplicitOutputs = false;  ///< setOutputs was called: outputs no longer follow from dangling edges
  int mSuspended = 0;             ///< > 0 while an edit is under way and the boundary is not refreshed
  std::uint64_t mVersion = 0;
  std::shared_ptr<void> mPrepared;
};

/// A chain: every node / graph is fed by the one before it.
[[nodiscard]] GraphViewPtr sequential(std::span<const std::variant<NodePtr, GraphViewPtr>> parts, std::string name = "");
/// All parts side by side, each with inputs of its own.
[[nodiscard]] GraphViewPtr parallel(std::span<const std::variant<NodePtr, GraphViewPtr>> parts, std::string name = "");
/// sequential(parts), where the first node's output also goes to the last node's free data input (an Add, say).
[[nodiscard]] GraphViewPtr residual(std::span<const std::variant<NodePtr, GraphViewPtr>> parts, std::string name = "");
/// All nodes connected with `node`, in order of id.
[[nodiscard]] GraphViewPtr getConnectedGraphView(const NodePtr& node);

}  // namespace Aidge
