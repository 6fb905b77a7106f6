#include "aidge/nodes/Fill.hpp"

#include "FactoryUtils.hpp"

namespace Aidge {

using namespace detail;

NodePtr ConstantOfShape(const std::vector<std::int64_t>& shape, Tensor value, const std::string& name) {
  return makeNode("ConstantOfShape", {{"shape", shape}, {"value", std::move(value)}}, name);
}

NodePtr Range(const std::string& name) { return makeNode("Range", {}, name); }

NodePtr EyeLike(std::int64_t k, const std::string& dtype, const std::string& name) {
  return makeNode("EyeLike", {{"k", k}, {"dtype", dtype}}, name);
}

NodePtr OneHot(std::int64_t axis, const std::string& name) { return makeNode("OneHot", {{"axis", axis}}, name); }

NodePtr Trilu(bool upper, std::int64_t k, const std::string& name) { return makeNode("Trilu", {{"upper", upper}, {"k", k}}, name); }

}  // namespace Aidge
