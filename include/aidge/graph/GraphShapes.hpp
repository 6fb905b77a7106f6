#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/graph/GraphView.hpp"

namespace Aidge {

/// Dims, types and known values of the tensors of a graph, and of the graphs inside it, for given input dims: one walk from the inputs to the outputs.
class AIDGE_EXPORT GraphShapes {
 public:
  /// `inputs`: one entry a graph input. Nodes whose dims depend on values, and all nodes after them, stay unknown. Throws std::invalid_argument naming the
  /// node where shapes do not fit.
  GraphShapes(const GraphView& graph, const std::vector<TensorInfo>& inputs, const Inference& with);

  /// Whether the dims of the node's outputs are known.
  [[nodiscard]] bool contains(const Node* node) const { return find(node) != nullptr; }
  /// Infos of the node's outputs; nullptr if they are not known.
  [[nodiscard]] const std::vector<TensorInfo>* find(const Node* node) const;
  /// Infos of the node's outputs. Throws std::out_of_range if they are not known.
  [[nodiscard]] const std::vector<TensorInfo>& at(const Node* node) const;
  /// Infos of what arrives at the node's inputs, unconnected ones as missing; nullptr if not all are known.
  [[nodiscard]] const std::vector<TensorInfo>* inputsOf(const Node* node) const;
  /// Generic operators of which nothing tells the dims, as messages name them, with commas.
  [[nodiscard]] const std::string& unsupported() const noexcept { return mUnsupported; }
  /// Infos of the outputs of `graph`, which is the one of the constructor or one inside it; empty if not all are known.
  [[nodiscard]] std::vector<TensorInfo> results(const GraphView& graph) const;

 private:
  struct Tensors {
    std::vector<TensorInfo> inputs;
    std::vector<TensorInfo> outputs;
    bool isKnown = false;  ///< the outputs are
  };

  void walk(const GraphView& graph, const std::vector<TensorInfo>& inputs, const Inference& with);
  void add(const NodePtr& node, std::vector<TensorInfo> inputs, const Inference& with);

  std::unordered_map<const Node*, Tensors> mTensors;
  std::string mUnsupported;
};

/// Types and dims of a graph's inputs: `inputDims`, or if that is empty the declared dims, dynamic ones taken as 1. Throws std::invalid_argument if
/// they contradict the declared ones or are not known.
[[nodiscard]] AIDGE_EXPORT std::vector<TensorInfo> inputInfos(const GraphView& graph, const std::vector<Dims>& inputDims);

/// Dims of a graph's inputs for which shapes are wholly known: `given`, or if that is empty those that the graph was compiled for, else the declared ones
/// with a batch of 1. Throws std::invalid_argument, which names `where`, if the count is wrong or an axis after the batch is open.
[[nodiscard]] AIDGE_EXPORT std::vector<Dims> fixedInputDims(std::string_view where, const GraphView& graph, std::vector<Dims> given);

}  // namespace Aidge
