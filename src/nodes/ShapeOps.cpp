#include "aidge/nodes/ShapeOps.hpp"

#include "FactoryUtils.hpp"

namespace Aidge {

using namespace detail;

NodePtr Flatten(std::int64_t axis, const std::string& name) { return makeNode("Flatten", {{"axis", axis}}, name); }

NodePtr Reshape(const std::vector<std::int64_t>& shape, bool allowzero, const std::string& name) {
  return makeNode("Reshape", {{"shape", shape}, {"allowzero", allowzero}}, name);
}

NodePtr Shape(std::int64_t start, std::int64_t end, const std::string& name) {
  return makeNode("Shape", {{"start", start}, {"end", end}}, name);
}

NodePtr Size(const std::string& name) { return makeNode("Size", {}, name); }

NodePtr Transpose(const std::vector<std::int64_t>& outputDimsOrder, const std::string& name) {
  return makeNode("Transpose", {{"output_dims_order", outputDimsOrder}}, name);
}

NodePtr Squeeze(const std::vector<std::int64_t>& axes, const std::string& name) { return makeNode("Squeeze", {{"axes", axes}}, name); }

NodePtr Unsqueeze(const std::vector<std::int64_t>& axes, const std::string& name) { return makeNode("Unsqueeze", {{"axes", axes}}, name); }

}  // namespace Aidge
