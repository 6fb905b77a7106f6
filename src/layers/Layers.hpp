#pragma once
// Reads, writes, scales and counts the linear layers of networks: for the scheduler's folding, recipes, fibnlr and compress. Internal.
// Which operators these are, and what they do to their data, is in the traits of their schemas (aidge/operator/Traits.hpp).

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "aidge/data/Tensor.hpp"
#include "aidge/graph/GraphView.hpp"
#include "aidge/graph/MakeNode.hpp"

namespace Aidge::layers {

/// Inputs of a Conv, ConvTranspose or FC, besides the data at 0.
inline constexpr IOIndex_t kWeight = 1;
inline constexpr IOIndex_t kBias = 2;

/// A Conv, ConvTranspose or FC.
[[nodiscard]] bool isWeighted(const Operator& op);
/// A Conv or FC.
[[nodiscard]] bool isConvOrFC(const Operator& op);

// --- reading --------------------------------------------------------------------------------------------------------

/// The tensor of the producer at an input of `node`; nullptr if there is none in the graph, or it has no data or no floating-point type.
[[nodiscard]] std::shared_ptr<const Tensor> constantAt(const GraphView& graph, const Node& node, IOIndex_t index);
/// Its values; empty if there is none.
[[nodiscard]] std::vector<double> parameter(const GraphView& graph, const Node& node, IOIndex_t index);
/// Whether an input of the graph feeds this input.
[[nodiscard]] bool isFed(const GraphView& graph, const NodePtr& node, IOIndex_t index);
/// Whether a constant is a list of equal numbers (zeros, ones). Exporters write equal constants once: that several layers read such a list does not tie
/// them, as what is left of it depends on how many of its numbers go, not on which.
[[nodiscard]] bool isEqualNumbers(const Tensor& constant);
/// What the node does to the data at input `data` (dims: `dims`), by the trait of its schema and its constant inputs.
[[nodiscard]] std::optional<ChannelAffine> affineOf(const GraphView& graph, const Node& node, IOIndex_t data, const Dims& dims);

// --- writing --------------------------------------------------------------------------------------------------------

/// Gives these inputs the value: in the producer that they all have, or in a new one of that name where there is none or others read it, too.
void setParameter(const GraphViewPtr& graph, std::span<const TensorRef> inputs, const std::string& name, const Tensor& value);
/// The same for one input of `node`.
void setParameter(const GraphViewPtr& graph, const NodePtr& node, IOIndex_t index, const std::string& name, const Tensor& value);

// --- scaling --------------------------------------------------------------------------------------------------------

/// Output channels of a Conv, ConvTranspose or FC whose weight has these dims; 0 if the rank is below 2.
[[nodiscard]] std::size_t outputChannels(const Operator& op, const Dims& weight);
/// The weight with every element multiplied, in double, by the factor of its output channel. Keeps dims and type.
[[nodiscard]] Tensor scaledWeight(const Operator& op, const Tensor& weight, std::span<const double> factor);
/// factor · bias + offset, in double, then in type `dtype`. nullptr: a bias of zeros.
[[nodiscard]] Tensor mappedBias(const Tensor* bias, const ChannelAffine& map, DataType dtype);

// --- counting -------------------------------------------------------------------------------------------------------

/// Parameters (see Operator::parameters) of a graph and the graphs inside it.
[[nodiscard]] double parametersOf(const GraphView& graph);
/// Of the producers that feed these nodes alone, each once.
[[nodiscard]] double parametersOf(std::span<const NodePtr> nodes);
/// Whether another node reads the weight of one of these layers.
[[nodiscard]] bool shareWeights(std::span<const NodePtr> nodes);
/// What merging counts: an operator's multiply-accumulates; for the other linear operators one for each element, or for each tap of a mean.
[[nodiscard]] double workOf(const Operator& op, std::span<const TensorInfo> inputs, std::span<const TensorInfo> outputs);
/// Whether operators like this have multiply-accumulates.
[[nodiscard]] bool countsMacs(const Operator& op);
/// Whether workOf can be more than 0 for such an operator.
[[nodiscard]] bool hasWork(const Operator& op);

}  // namespace Aidge::layers
