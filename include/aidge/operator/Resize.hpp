#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "aidge/operator/Operator.hpp"

namespace Aidge {

/// The data resampled along some axes (type "Resize"), with all of ONNX's rules; the defaults are those of ONNX. Attributes beyond the arguments:
/// `coordinate_transformation_mode` ("half_pixel"), `nearest_mode` ("round_prefer_floor"), `cubic_coeff_a` (-0.75), `exclude_outside`, `antialias`,
/// `extrapolation_value` (0), `keep_aspect_ratio_policy` ("stretch"), `roi` (starts, then ends), `axes` (empty: all). Either `scales` or `sizes` has one entry an
/// axis; as extra inputs 1 to 3 (roi, scales, sizes) their values must be known before run time.
[[nodiscard]] NodePtr Resize(const std::string& mode = "nearest", const std::vector<double>& scales = {},
                             const std::vector<std::int64_t>& sizes = {}, const std::string& name = "");

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
[[nodiscard]] std::vector<ResizeAxis> resolveResize(const Operator& op, std::span<const TensorInfo> inputs);

}  // namespace Aidge
