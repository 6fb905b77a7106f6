#include "aidge/nodes/Activation.hpp"

#include "FactoryUtils.hpp"

namespace Aidge {

using namespace detail;

NodePtr ReLU(const std::string& name) { return makeNode("ReLU", {}, name); }

NodePtr LeakyReLU(double negativeSlope, const std::string& name) {
  return makeNode("LeakyReLU", {{"negative_slope", negativeSlope}}, name);
}

NodePtr PReLU(DimSize_t nbChannels, const std::string& name, std::size_t spatialDims) {
  requirePositive("PReLU", "nb_channels", nbChannels);
  if (spatialDims > 3) throwExpected("operator::PReLU", "spatial_dims of at most 3", std::to_string(spatialDims));
  NodePtr node = makeNode("PReLU", {}, name);
  Dims dims(nbChannels == 1 ? 1 : 1 + spatialDims, 1);
  dims[0] = nbChannels;
  addParam(node, 1, "slope", Tensor::full(std::move(dims), 0.25));
  return node;
}

NodePtr GeLU(const std::string& approximate, const std::string& name) { return makeNode("GeLU", {{"approximate", approximate}}, name); }

NodePtr Clip(const std::string& name, double min, double max) { return makeNode("Clip", {{"min", min}, {"max", max}}, name); }

NodePtr Sigmoid(const std::string& name) { return makeNode("Sigmoid", {}, name); }

NodePtr Tanh(const std::string& name) { return makeNode("Tanh", {}, name); }

NodePtr HardSigmoid(double alpha, double beta, const std::string& name) {
  return makeNode("HardSigmoid", {{"alpha", alpha}, {"beta", beta}}, name);
}

NodePtr HardSwish(const std::string& name) { return makeNode("HardSwish", {}, name); }

}  // namespace Aidge
