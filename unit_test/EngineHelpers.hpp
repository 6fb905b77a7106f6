#pragma once

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "aidge/graph/GraphView.hpp"
#include "aidge/graph/MakeNode.hpp"
#include "aidge/scheduler/SequentialScheduler.hpp"

/// What the tests of kernels and of the scheduler share.
namespace Aidge::test {

/// Float32 is compared to this, relative to the largest magnitude expected.
constexpr double kFloatTolerance = 1e-5;

/// Normally distributed values, the same for the same seed.
inline Tensor randomTensor(const Dims& dims, unsigned seed, float scale = 1.0F) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0F, scale);
  std::vector<float> values(elementCount(dims));
  for (float& value : values) value = normal(generator);
  return Tensor::fromValues<float>(dims, std::span<const float>(values));
}

/// Largest |a - b| over max(1, largest |b|); infinity where the dims differ.
inline double difference(const Tensor& a, const Tensor& b) {
  if (a.dims() != b.dims()) return INFINITY;
  const std::vector<double> x = a.toDoubles();
  const std::vector<double> y = b.toDoubles();
  double worst = 0.0;
  double largest = 1.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    worst = std::isfinite(x[i]) && std::isfinite(y[i]) ? std::max(worst, std::abs(x[i] - y[i])) : INFINITY;
    largest = std::max(largest, std::abs(y[i]));
  }
  return worst / largest;
}

/// A node whose parameters (inputs from 1 on) come from producers holding `parameters`, or are missing where those are undefined.
inline NodePtr withParameters(NodePtr node, const std::vector<Tensor>& parameters) {
  for (IOIndex_t i = 0; i < parameters.size(); ++i) {
    if (!parameters[i].isUndefined()) node->setInput(i + 1, Producer(parameters[i], node->name() + "_p" + std::to_string(i + 1)));
  }
  return node;
}

/// Connects the nodes in a row.
inline void chain(const std::vector<NodePtr>& nodes) {
  for (std::size_t i = 0; i + 1 < nodes.size(); ++i) nodes[i]->addChild(nodes[i + 1]);
}

/// A graph of these nodes, compiled for the CPU with inputs of these dims.
inline GraphViewPtr compiledGraph(const std::vector<NodePtr>& nodes, const std::vector<Dims>& dims) {
  auto graph = GraphView::create("test");
  for (const NodePtr& node : nodes) graph->add(node);
  graph->compile("cpu", DataType::Float32, dims);
  return graph;
}

/// The only output of a graph made of one node.
inline Tensor runNode(const NodePtr& node, const std::vector<Tensor>& data) {
  std::vector<Dims> dims;
  for (const Tensor& tensor : data) dims.push_back(tensor.dims());
  SequentialScheduler scheduler(compiledGraph({node}, dims));
  return scheduler.forward(data).at(0);
}

}  // namespace Aidge::test
