#pragma once
// Chains of linear layers in a graph, residual blocks included.

#include <array>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "LinearLayer.hpp"

namespace Aidge::detail {

/// Where a tensor comes from: a node's output, or an entry of the graph.
struct Wire {
  NodePtr node;
  IOIndex_t index = 0;         ///< of the node's output
  std::size_t graphInput = 0;  ///< where there is no node
  [[nodiscard]] bool operator==(const Wire&) const = default;
};

/// A layer, or a residual block: two chains from one tensor to an Add.
struct Element {
  NodePtr node;  ///< the layer; the Add
  LinearLayer layer;
  bool isBlock = false;
  std::array<std::vector<Element>, 2> branches;
  std::vector<Node::Edge> heads;  ///< everything in it that takes its input
  Wire source;
  Dims input;
  Dims output;
  double macs = 0.0;  ///< as layers::workOf counts, of all its nodes

  [[nodiscard]] bool isPass() const { return !isBlock && (layer.kind == LayerKind::Pass || layer.kind == LayerKind::Flatten); }
  /// All its nodes, in order.
  void collect(std::vector<NodePtr>& nodes) const;
};

using Chain = std::vector<Element>;

/// Finds chains in one graph (those inside it not included).
class ChainFinder {
 public:
  ChainFinder(const GraphView& graph, const GraphDims& dims) : mGraph(graph), mDims(dims) {}
  /// The longest chains, every usable layer in exactly one, in topological order of their ends.
  [[nodiscard]] std::vector<Chain> chains() const;
  /// Why nothing else may take the place of this tensor; empty where it only goes to `heads`.
  [[nodiscard]] std::string whyKept(const Wire& wire, const std::vector<Node::Edge>& heads) const;
  [[nodiscard]] Wire wireAt(const NodePtr& node, IOIndex_t index) const;
  /// readLayer, once a node.
  [[nodiscard]] const std::optional<LinearLayer>& layerOf(const NodePtr& node) const;

 private:
  /// The chain that ends with this tensor; with the tensors between its elements, first the ending one.
  struct Path {
    Chain reversed;
    std::vector<Wire> wires;
  };
  [[nodiscard]] std::optional<Element> elementAt(const NodePtr& node) const;
  [[nodiscard]] std::optional<Element> blockAt(const NodePtr& sum) const;
  [[nodiscard]] Path pathTo(const Wire& end, const std::vector<Node::Edge>& heads) const;

  const GraphView& mGraph;
  const GraphDims& mDims;
  mutable std::unordered_map<const Node*, std::optional<LinearLayer>> mLayers;
};

}  // namespace Aidge::detail
