#include "aidge/nodes/Softmax.hpp"

#include "FactoryUtils.hpp"

namespace Aidge {

using namespace detail;

NodePtr Softmax(std::int64_t axis, const std::string& name) { return makeNode("Softmax", {{"axis", axis}}, name); }

}  // namespace Aidge
