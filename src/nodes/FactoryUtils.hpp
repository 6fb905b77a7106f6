#pragma once
// What the functions that make nodes share.

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "aidge/graph/MakeNode.hpp"
#include "operator/SchemaUtils.hpp"

namespace Aidge::detail {

template <std::size_t N> [[nodiscard]] Ints toInts(const std::array<DimSize_t, N>& values) { return Ints(values.begin(), values.end()); }
/// Feeds input `index` from a new producer called `<name of the node>_<suffix>` (unnamed if the node is).
void addParam(const NodePtr& node, IOIndex_t index, std::string_view suffix, Tensor value);
/// Throws unless value >= 1. There is no operator yet that could check it.
void requirePositive(std::string_view type, std::string_view name, DimSize_t value);
/// Throws unless both channel counts are positive multiples of groups.
void requireGroups(std::string_view type, DimSize_t inChannels, DimSize_t outChannels, DimSize_t groups);

}  // namespace Aidge::detail
