// Builds a network of three layers, finds the activation that changes its input the least, and takes it out.
#include "aidge/recipes/fibnlr.hpp"

#include <cstdio>
#include <memory>
#include <random>

#include "aidge/backend/cpu/CpuBackend.hpp"
#include "aidge/nodes/Activation.hpp"
#include "aidge/nodes/FullyConnected.hpp"

using namespace Aidge;

static Tensor randomTensor(const Dims& dims, float mean = 0.0F) {
  static std::mt19937 generator(0);
  std::normal_distribution<float> values(mean, 0.3F);
  Tensor tensor(dims);
  tensor.allocate();
  for (float& value : tensor.mutableData<float>()) value = values(generator);
  return tensor;
}

/// A layer with random weights. Most of its outputs are positive if the mean of its biases is large.
static NodePtr layer(const char* name, DimSize_t inputs, DimSize_t outputs, float meanBias) {
  NodePtr node = FC(inputs, outputs, false, name);
  node->getParent(1)->getOperator()->setOutput(0, randomTensor({outputs, inputs}));
  node->getParent(2)->getOperator()->setOutput(0, randomTensor({outputs}, meanBias));
  return node;
}

int main() {
  registerCpuBackend();
  const GraphView::Part parts[] = {layer("fc1", 16, 32, 0.0F), ReLU("relu1"), layer("fc2", 32, 32, 1.0F), ReLU("relu2"),
                                   layer("fc3", 32, 4, 0.0F)};
  const GraphViewPtr graph = sequential(parts, "network");
  graph->compile("cpu", DataType::Float32, {{8, 16}});  // batches of 8 samples

  TensorDataProvider data({randomTensor({64, 16})}, 8);
  fibnlr::Parameters params;
  params.ablationThreshold = 0.1;
  const fibnlr::NodeSet activations = fibnlr::prepare(graph, params);
  const fibnlr::Convergence convergence = fibnlr::compute(graph, data, params);
  const fibnlr::NodeSet removed = fibnlr::prune(graph, params);

  std::printf("%zu batches, %zu samples\n%-12s%-10s%s\n", convergence.iterations, convergence.samples, "activation", "NPR", "NNPR");
  for (const NodePtr& node : activations) {
    const double npr = node->get<fibnlr::NPR>().value();
    const double nnpr = node->get<fibnlr::NNPR>().value;
    std::printf("%-12s%-10.2f%-10.2f%s\n", node->name().c_str(), npr, nnpr, removed.contains(node) ? "removed" : "kept");
  }
  return 0;
}
