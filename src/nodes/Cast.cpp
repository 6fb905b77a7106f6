#include "aidge/nodes/Cast.hpp"

#include "FactoryUtils.hpp"

namespace Aidge {

using namespace detail;

NodePtr Cast(DataType to, const std::string& name) { return makeNode("Cast", {{"to", std::string(toString(to))}}, name); }

}  // namespace Aidge
