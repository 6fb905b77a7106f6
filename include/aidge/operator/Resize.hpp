#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge {

/// How a Resize treats one axis.
struct ResizeAxis {
  DimSize_t input = 1;
  DimSize_t output = 1;
  float scale = 1.0F;
  float roiStart = 0.0F;
  float roiEnd = 1.0F;
  bool cropped = false;  ///< the region of interest counts (tf_crop_and_resize)

  /// Whether the axis stays as it is.
  [[nodiscard]] bool isUnchanged() const { return scale == 1.0F && input == output && !(cropped && (roiStart != 0.0F || roiEnd != 1.0F)); }
};
/// One entry an axis of the data. Throws std::invalid_argument where scales, sizes, axes or roi do not fit.
[[nodiscard]] AIDGE_EXPORT std::vector<ResizeAxis> resolveResize(const Operator& op, std::span<const TensorInfo> inputs);

}  // namespace Aidge
