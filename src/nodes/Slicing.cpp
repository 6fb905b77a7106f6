#include "aidge/nodes/Slicing.hpp"

#include "FactoryUtils.hpp"

namespace Aidge {

using namespace detail;

NodePtr Slice(const std::vector<std::int64_t>& starts, const std::vector<std::int64_t>& ends, const std::vector<std::int64_t>& axes,
              const std::vector<std::int64_t>& steps, const std::string& name) {
  return makeNode("Slice", {{"starts", starts}, {"ends", ends}, {"axes", axes}, {"steps", steps}}, name);
}

NodePtr Split(IOIndex_t nbOutputs, std::int64_t axis, const std::vector<std::int64_t>& split, const std::string& name) {
  return makeNode("Split", {{"axis", axis}, {"split", split}, {"num_outputs", static_cast<std::int64_t>(nbOutputs)}}, name);
}

NodePtr Expand(const std::vector<std::int64_t>& shape, const std::string& name) { return makeNode("Expand", {{"shape", shape}}, name); }

NodePtr Tile(const std::vector<std::int64_t>& repeats, const std::string& name) { return makeNode("Tile", {{"repeats", repeats}}, name); }

NodePtr DepthToSpace(std::int64_t blocksize, const std::string& mode, const std::string& name) {
  return makeNode("DepthToSpace", {{"blocksize", blocksize}, {"mode", mode}}, name);
}

NodePtr SpaceToDepth(std::int64_t blocksize, const std::string& name) { return makeNode("SpaceToDepth", {{"blocksize", blocksize}}, name); }

}  // namespace Aidge
