#include "aidge/nodes/Normalisation.hpp"

#include "FactoryUtils.hpp"

namespace Aidge {

using namespace detail;

namespace {

NodePtr withParameters(std::string_view type, AttributeMap attributes, const std::string& name, DimSize_t features) {
  requirePositive(type, "nb_features", features);
  NodePtr node = makeNode(type, std::move(attributes), name);
  addParam(node, 1, "scale", Tensor::full({features}, 1.0));
  if (node->nbInputs() > 2) addParam(node, 2, "bias", Tensor::full({features}, 0.0));
  return node;
}

}  // namespace

NodePtr InstanceNorm(DimSize_t nbFeatures, double epsilon, const std::string& name) {
  return withParameters("InstanceNorm", {{"epsilon", epsilon}}, name, nbFeatures);
}

NodePtr GroupNorm(DimSize_t nbFeatures, std::int64_t groups, double epsilon, const std::string& name) {
  return withParameters("GroupNorm", {{"groups", groups}, {"epsilon", epsilon}}, name, nbFeatures);
}

NodePtr LayerNorm(DimSize_t nbFeatures, double epsilon, const std::string& name) {
  return withParameters("LayerNorm", {{"epsilon", epsilon}}, name, nbFeatures);
}

NodePtr RMSNorm(DimSize_t nbFeatures, double epsilon, const std::string& name) {
  return withParameters("RMSNorm", {{"epsilon", epsilon}}, name, nbFeatures);
}

}  // namespace Aidge
