#pragma once

#include <string>
#include <utility>
#include <vector>

#include "EngineHelpers.hpp"

/// Small networks for the tests of the scheduler.
namespace Aidge::test {

inline std::vector<std::int64_t> ints(std::initializer_list<std::int64_t> values) { return values; }

/// A convolution with random weights, padding that keeps the extent, and an input that is connected later.
inline NodePtr convolution(const std::string& name, DimSize_t in, DimSize_t out, DimSize_t kernel, unsigned seed, DimSize_t stride = 1,
                           DimSize_t groups = 1) {
  const DimSize_t pad = kernel / 2;
  const NodePtr node = makeNode("Conv2D",
                                {{"kernel_dims", ints({kernel, kernel})},
                                 {"stride_dims", ints({stride, stride})},
                                 {"padding_dims", ints({pad, pad, pad, pad})},
                                 {"groups", groups}},
                                name);
  return withParameters(node, {randomTensor({out, in / groups, kernel, kernel}, seed, 0.3F), randomTensor({out}, seed + 1)});
}

/// Batch normalisation with random scale, shift and mean and positive variance.
inline NodePtr normalization(const std::string& name, DimSize_t channels, unsigned seed) {
  Tensor variance = randomTensor({channels}, seed + 3);
  for (float& v : variance.mutableData<float>()) v = 0.5F + v * v;
  return withParameters(makeNode("BatchNorm2D", {}, name),
                        {randomTensor({channels}, seed), randomTensor({channels}, seed + 1), randomTensor({channels}, seed + 2), variance});
}

/// conv-bn-relu, a residual block with a projected shortcut, a residual block without, pooling, a classifier. Input (n, 3, 12, 12).
struct ResidualNet {
  std::vector<NodePtr> nodes;
  GraphViewPtr graph;

  ResidualNet() {
    const NodePtr stem = add(convolution("stem", 3, 8, 3, 10));
    const NodePtr stemRelu = add(makeNode("ReLU", {}, "stem_relu"));
    chain({stem, add(normalization("stem_bn", 8, 20)), stemRelu});
    const NodePtr first = block("a", stemRelu, 8, 12, 30);
    const NodePtr second = block("b", first, 12, 12, 60);
    const NodePtr pool = add(makeNode("MaxPooling2D", {{"kernel_dims", ints({2, 2})}, {"stride_dims", ints({2, 2})}}, "pool"));
    const NodePtr fc = add(withParameters(makeNode("FC", {}, "fc"), {randomTensor({5, 12}, 90), randomTensor({5}, 91)}));
    chain({second, pool, add(makeNode("GlobalAveragePooling", {}, "gap")), add(makeNode("Flatten", {}, "flatten")), fc});
    graph = compiledGraph(nodes, {{2, 3, 12, 12}});
  }

  [[nodiscard]] NodePtr operator[](const std::string& name) const { return graph->getNode(name); }

 private:
  NodePtr add(NodePtr node) { return nodes.emplace_back(std::move(node)); }

  NodePtr block(const std::string& name, const NodePtr& input, DimSize_t in, DimSize_t out, unsigned seed) {
    const NodePtr conv1 = add(convolution(name + "_conv1", in, out, 3, seed, in == out ? 1 : 2));
    const NodePtr relu1 = add(makeNode("ReLU", {}, name + "_relu1"));
    const NodePtr conv2 = add(convolution(name + "_conv2", out, out, 3, seed + 5));
    const NodePtr bn2 = add(normalization(name + "_bn2", out, seed + 9));
    const NodePtr sum = add(makeNode("Add", {}, name + "_add"));
    const NodePtr relu2 = add(makeNode("ReLU", {}, name + "_relu2"));
    input->addChild(conv1);
    chain({conv1, add(normalization(name + "_bn1", out, seed + 13)), relu1, conv2, bn2});
    bn2->addChild(sum, 0, 0);
    if (in == out) {
      input->addChild(sum, 0, 1);
    } else {
      const NodePtr shortcut = add(convolution(name + "_shortcut", in, out, 1, seed + 17, 2));
      input->addChild(shortcut);
      shortcut->addChild(sum, 0, 1);
    }
    sum->addChild(relu2);
    return relu2;
  }
};

/// All nodes that compute something.
inline std::vector<NodePtr> operators(const GraphView& graph) {
  std::vector<NodePtr> nodes;
  for (const NodePtr& node : graph.orderedNodes()) {
    if (!node->getOperator()->isProducer()) nodes.push_back(node);
  }
  return nodes;
}

}  // namespace Aidge::test
