#include "aidge/nodes/Reduce.hpp"

#include "FactoryUtils.hpp"

namespace Aidge {

using namespace detail;

NodePtr ReduceMean(const std::vector<std::int64_t>& axes, bool keepDims, bool noopWithEmptyAxes, const std::string& name) {
  return makeNode("ReduceMean", {{"axes", axes}, {"keep_dims", keepDims}, {"noop_with_empty_axes", noopWithEmptyAxes}}, name);
}

}  // namespace Aidge
