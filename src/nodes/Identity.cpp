#include "aidge/nodes/Identity.hpp"

#include "FactoryUtils.hpp"

namespace Aidge {

using namespace detail;

NodePtr Identity(const std::string& name) { return makeNode("Identity", {}, name); }

NodePtr Dropout(double ratio, const std::string& name) { return makeNode("Dropout", {{"ratio", ratio}}, name); }

}  // namespace Aidge
