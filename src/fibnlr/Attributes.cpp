#include "aidge/fibnlr/Attributes.hpp"

#include "aidge/core/Errors.hpp"

namespace Aidge::fibnlr {

AttributeStore& detail::storeOf(const NodePtr& node) {
  if (!node) throwExpected("fibnlr::attribute", "a node", "none");
  return node->attributes();
}

bool compareNNPR(const NodePtr& a, const NodePtr& b) { return get<NNPR>(a) < get<NNPR>(b); }

}  // namespace Aidge::fibnlr
