#include "aidge/nodes/BatchNorm.hpp"

#include "FactoryUtils.hpp"

namespace Aidge {

using namespace detail;

template <std::size_t DIM>
NodePtr BatchNorm(DimSize_t nbFeatures, double epsilon, double momentum, bool trainingMode, const std::string& name) {
  const std::string type = typeName("BatchNorm", DIM);
  requirePositive(type, "nb_features", nbFeatures);
  NodePtr node = makeNode(type, {{"epsilon", epsilon}, {"momentum", momentum}, {"training_mode", trainingMode}}, name);
  addParam(node, 1, "scale", Tensor::full({nbFeatures}, 1.0));
  addParam(node, 2, "shift", Tensor::full({nbFeatures}, 0.0));
  addParam(node, 3, "mean", Tensor::full({nbFeatures}, 0.0));
  addParam(node, 4, "var", Tensor::full({nbFeatures}, 1.0));
  return node;
}

template NodePtr BatchNorm<1>(DimSize_t, double, double, bool, const std::string&);
template NodePtr BatchNorm<2>(DimSize_t, double, double, bool, const std::string&);
template NodePtr BatchNorm<3>(DimSize_t, double, double, bool, const std::string&);

}  // namespace Aidge
