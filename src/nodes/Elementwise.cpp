#include "aidge/nodes/Elementwise.hpp"

#include "FactoryUtils.hpp"

namespace Aidge {

using namespace detail;

NodePtr Add(const std::string& name) { return makeNode("Add", {}, name); }

NodePtr Sub(const std::string& name) { return makeNode("Sub", {}, name); }

NodePtr Mul(const std::string& name) { return makeNode("Mul", {}, name); }

NodePtr Div(const std::string& name) { return makeNode("Div", {}, name); }

}  // namespace Aidge
