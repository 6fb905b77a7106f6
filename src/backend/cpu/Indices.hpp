#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "KernelSupport.hpp"

/// Reading of index tensors. Internal.
namespace Aidge::cpu {

/// `count` indices of type int32 or int64, in [0, extent): negative ones count from the end. Throws std::invalid_argument naming `site` where one is out of
/// range.
[[nodiscard]] std::vector<std::ptrdiff_t> readIndices(std::string_view site, const void* data, DataType type, std::size_t count,
                                                      DimSize_t extent);

/// Offsets in a tensor for a list of tuples of indices, `length` entries each; entry i is below extents[i] and counts steps[i] elements.
[[nodiscard]] std::vector<std::ptrdiff_t> readTuples(std::string_view site, const void* data, DataType type, std::size_t count,
                                                     const Dims& extents, const std::vector<std::ptrdiff_t>& steps);

}  // namespace Aidge::cpu
