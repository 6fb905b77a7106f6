#include "aidge/nodes/LRN.hpp"

#include "FactoryUtils.hpp"

namespace Aidge {

using namespace detail;

NodePtr LRN(std::int64_t size, double alpha, double beta, double bias, const std::string& name) {
  return makeNode("LRN", {{"size", size}, {"alpha", alpha}, {"beta", beta}, {"bias", bias}}, name);
}

}  // namespace Aidge
