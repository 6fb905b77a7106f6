#include "FactoryUtils.hpp"

namespace Aidge::detail {

void addParam(const NodePtr& node, IOIndex_t index, std::string_view suffix, Tensor value) {
  const std::string name = node->name().empty() ? "" : node->name() + "_" + std::string(suffix);
  node->setInput(index, Producer(std::move(value), name));
}

void requirePositive(std::string_view type, std::string_view name, DimSize_t value) {
  if (value < 1) throwExpected("operator::" + std::string(type), std::string(name) + " of at least 1", std::to_string(value));
}

void requireGroups(std::string_view type, DimSize_t inChannels, DimSize_t outChannels, DimSize_t groups) {
  requirePositive(type, "in_channels", inChannels);
  requirePositive(type, "out_channels", outChannels);
  requirePositive(type, "groups", groups);
  if (inChannels % groups == 0 && outChannels % groups == 0) return;
  throwExpected("operator::" + std::string(type), "in_channels and out_channels to be multiples of groups = " + std::to_string(groups),
                std::to_string(inChannels) + " and " + std::to_string(outChannels));
}

}  // namespace Aidge::detail
