#include "aidge/nodes/Pad.hpp"

#include "FactoryUtils.hpp"

namespace Aidge {

using namespace detail;

NodePtr Pad(const std::vector<std::int64_t>& pads, const std::string& mode, double value, const std::vector<std::int64_t>& axes,
            const std::string& name) {
  return makeNode("Pad", {{"pads", pads}, {"mode", mode}, {"value", value}, {"axes", axes}}, name);
}

}  // namespace Aidge
