#pragma once
// Chains of linear layers in a graph, residual blocks included.

#include <array>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "LinearLayer.hpp"

namespace Aidge::detail {

/// A layer, or a residual block: two chains from one tensor to an Add.
struct Element {
  NodePtr node;  ///< the layer; the Add
  LinearLayer layer;
  bool isBlock = false;
  std::array<std::vector<Element>, 2> branches;
  std::vector<TensorRef> heads;  ///< everything in it that takes its input
  TensorRef source;
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
  /// Why nothing else may take the place of this tensor; empty if it only goes to `heads`.
  [[nodiscard]] std::string whyKept(const TensorRef& wire, const std::vector<TensorRef>& heads) const;
  [[nodiscard]] TensorRef sourceAt(const NodePtr& node, IOIndex_t index) const;
  /// readLayer, once a node.
  [[nodiscard]] const std::optional<LinearLayer>& layerOf(const NodePtr& node) const;

 private:
  /// The chain that ends with this tensor; with the tensors between its elements, first the ending one.
  struct Path {
    Chain reversed;
    std::vector<TensorRef> wires;
  };
  [[nodiscard]] std::optional<Element> elementAt(const NodePtr& node) const;
  [[nodiscard]] std::optional<Element> blockAt(const NodePtr& sum) const;
  [[nodiscard]] Path pathTo(const TensorRef& end, const std::vector<TensorRef>& heads) const;

  const GraphView& mGraph;
  const GraphDims& mDims;
  mutable std::unordered_map<const Node*, std::optional<LinearLayer>> mLayers;
};

}  // namespace Aidge::detail
