#include "aidge/nodes/MatMul.hpp"

#include "FactoryUtils.hpp"

namespace Aidge {

using namespace detail;

NodePtr MatMul(const std::string& name) { return makeNode("MatMul", {}, name); }

}  // namespace Aidge
