#include "aidge/nodes/FullyConnected.hpp"

#include "FactoryUtils.hpp"

namespace Aidge {

using namespace detail;

NodePtr FC(DimSize_t inChannels, DimSize_t outChannels, bool noBias, const std::string& name) {
  requirePositive("FC", "in_channels", inChannels);
  requirePositive("FC", "out_channels", outChannels);
  NodePtr node = makeNode("FC", {}, name);
  addParam(node, 1, "w", Tensor::full({outChannels, inChannels}, 0.0));
  if (!noBias) addParam(node, 2, "b", Tensor::full({outChannels}, 0.0));
  return node;
}

NodePtr Gemm(double alpha, double beta, bool transA, bool transB, const std::string& name) {
  return makeNode("Gemm", {{"alpha", alpha}, {"beta", beta}, {"trans_a", transA}, {"trans_b", transB}}, name);
}

}  // namespace Aidge
