#include "LayerParameters.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "aidge/operator/Operator.hpp"

namespace Aidge::detail {

bool isBatchNorm(std::string_view type) { return type == "BatchNorm1D" || type == "BatchNorm2D" || type == "BatchNorm3D"; }

std::vector<double> parameter(const GraphView& graph, const Node& node, IOIndex_t index) {
  const auto& [producer, output] = node.input(index);
  if (!graph.contains(producer) || !producer->getOperator()->isProducer()) return {};
  const Tensor& value = *producer->getOperator()->getOutput(output);
  const bool isFloat = value.dataType() == DataType::Float32 || value.dataType() == DataType::Float64 ||
                       value.dataType() == DataType::Float16 || value.dataType() == DataType::BFloat16;
  return isFloat && value.hasData() ? value.toDoubles() : std::vector<double>{};
}

ChannelAffine batchNormAffine(const GraphView& graph, const Node& norm) {
  const auto scale = parameter(graph, norm, 1);
  const auto shift = parameter(graph, norm, 2);
  const auto mean = parameter(graph, norm, 3);
  const auto variance = parameter(graph, norm, 4);
  const double epsilon = norm.getOperator()->attribute<double>("epsilon");
  const std::size_t channels = scale.size();
  if (shift.size() != channels || mean.size() != channels || variance.size() != channels) return {};
  ChannelAffine affine;
  for (std::size_t c = 0; c < channels; ++c) {
    affine.factor.push_back(scale[c] / std::sqrt(variance[c] + epsilon));
    affine.offset.push_back(shift[c] - mean[c] * affine.factor[c]);
    if (!std::isfinite(affine.factor[c]) || !std::isfinite(affine.offset[c])) return {};
  }
  return affine;
}

void setParameter(const GraphViewPtr& graph, const NodePtr& node, IOIndex_t index, const std::string& name, const Tensor& value) {
  const NodePtr present = node->getParent(index);
  const bool isExit =
      std::any_of(graph->outputs().begin(), graph->outputs().end(), [&](const GraphOutput& output) { return output.node == present; });
  if (present && present->output(0).size() == 1 && !isExit) {
    present->getOperator()->setOutput(0, value);
    return;
  }
  const NodePtr producer = Producer(value, graph->uniqueName(name));
  graph->add(producer);
  node->setInput(index, producer);
}

bool isFed(const GraphView& graph, const NodePtr& node, IOIndex_t index) {
  return std::any_of(graph.inputs().begin(), graph.inputs().end(), [&](const GraphInput& input) {
    return std::find(input.targets.begin(), input.targets.end(), Node::Edge{node, index}) != input.targets.end();
  });
}

}  // namespace Aidge::detail
