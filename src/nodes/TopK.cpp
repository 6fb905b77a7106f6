#include "aidge/nodes/TopK.hpp"

#include "FactoryUtils.hpp"

namespace Aidge {

using namespace detail;

NodePtr TopK(std::int64_t k, std::int64_t axis, bool largest, const std::string& name) {
  return makeNode("TopK", {{"k", Ints{k}}, {"axis", axis}, {"largest", largest}}, name);
}

}  // namespace Aidge
