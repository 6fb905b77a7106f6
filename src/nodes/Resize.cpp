#include "aidge/nodes/Resize.hpp"

#include "FactoryUtils.hpp"

namespace Aidge {

using namespace detail;

NodePtr Resize(const std::string& mode, const std::vector<double>& scales, const std::vector<std::int64_t>& sizes,
               const std::string& name) {
  return makeNode("Resize", {{"mode", mode}, {"scales", scales}, {"sizes", sizes}}, name);
}

}  // namespace Aidge
