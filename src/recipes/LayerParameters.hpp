#pragma once
// What recipes read of a layer's constants.

#include <string>
#include <vector>

#include "aidge/data/Tensor.hpp"
#include "aidge/graph/GraphView.hpp"

namespace Aidge::detail {

/// y = factor · x + offset, a channel at a time.
struct ChannelAffine {
  std::vector<double> factor;
  std::vector<double> offset;
};

/// The values of the producer at an input of `node`; nothing where there is none in the graph, or not of a floating-point type.
[[nodiscard]] std::vector<double> parameter(const GraphView& graph, const Node& node, IOIndex_t index);
/// Gives `node`'s input the value: in its producer, or in a new one of that name where there is none or others share it.
void setParameter(const GraphViewPtr& graph, const NodePtr& node, IOIndex_t index, const std::string& name, const Tensor& value);
/// Folds one BatchNorm into the Conv, ConvTranspose or FC before it (see fuseBatchNorm); false where that cannot be.
bool foldBatchNorm(const GraphViewPtr& graph, const NodePtr& norm);
/// True if the graph's user feeds this input.
[[nodiscard]] bool isFed(const GraphView& graph, const NodePtr& node, IOIndex_t index);
/// What a BatchNorm does; no channels where that is not constant or not finite.
[[nodiscard]] ChannelAffine batchNormAffine(const GraphView& graph, const Node& norm);
[[nodiscard]] bool isBatchNorm(std::string_view type);

}  // namespace Aidge::detail
