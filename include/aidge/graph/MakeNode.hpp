#pragma once

#include <string>
#include <string_view>

#include "aidge/graph/Node.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge {

/// A node of a registered operator type.
[[nodiscard]] NodePtr makeNode(std::string_view type, AttributeMap attributes = {}, std::string name = "", IOIndex_t nbInputs = 0);
/// A producer node.
[[nodiscard]] NodePtr Producer(Tensor value, std::string name = "", bool constant = false);
[[nodiscard]] NodePtr GenericOperator(std::string type, IOIndex_t nbInputs, IOIndex_t nbOutputs, std::string name = "",
                                      AttributeMap attributes = {});
[[nodiscard]] NodePtr MetaOperator(std::string type, GraphViewPtr graph, std::string name = "");

}  // namespace Aidge
