#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge {

/// Which elements of an axis a Slice takes: start, start + step … (`extent` of them).
struct SliceRange {
  DimSize_t start = 0;
  DimSize_t step = 1;
  DimSize_t extent = 0;
};
/// One range an axis. Throws std::invalid_argument if the lists do not fit.
[[nodiscard]] AIDGE_EXPORT std::vector<SliceRange> resolveSlice(const Operator& op, std::span<const TensorInfo> inputs);
/// Extents of a Split's outputs along its axis. Throws std::invalid_argument if they do not add up.
[[nodiscard]] AIDGE_EXPORT Dims resolveSplit(const Operator& op, std::span<const TensorInfo> inputs);

}  // namespace Aidge
