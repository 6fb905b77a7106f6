#pragma once

#include <string>
#include <string_view>

#include "aidge/core/Export.hpp"
#include "aidge/graph/Node.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge {

/// A node of a registered operator type.
[[nodiscard]] AIDGE_EXPORT NodePtr makeNode(std::string_view type, AttributeMap attributes = {}, std::string name = "",
                                            IOIndex_t nbInputs = 0);
/// A producer node.
[[nodiscard]] AIDGE_EXPORT NodePtr Producer(Tensor value, std::string name = "", bool constant = false);
[[nodiscard]] AIDGE_EXPORT NodePtr GenericOperator(std::string type, IOIndex_t nbInputs, IOIndex_t nbOutputs, std::string name = "",
                                                   AttributeMap attributes = {});
[[nodiscard]] AIDGE_EXPORT NodePtr MetaOperator(std::string type, GraphViewPtr graph, std::string name = "");

}  // namespace Aidge
