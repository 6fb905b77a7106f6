#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/graph/MakeNode.hpp"

namespace Aidge {

/// The data resampled along some axes (type "Resize"), with all of ONNX's rules; the defaults are those of ONNX. Attributes beyond the arguments:
/// `coordinate_transformation_mode` ("half_pixel"), `nearest_mode` ("round_prefer_floor"), `cubic_coeff_a` (-0.75), `exclude_outside`, `antialias`,
/// `extrapolation_value` (0), `keep_aspect_ratio_policy` ("stretch"), `roi` (starts, then ends), `axes` (empty: all). Either `scales` or `sizes` has one entry an
/// axis; as extra inputs 1 to 3 (roi, scales, sizes) their values must be known before run time.
[[nodiscard]] AIDGE_EXPORT NodePtr Resize(const std::string& mode = "nearest", const std::vector<double>& scales = {},
                                          const std::vector<std::int64_t>& sizes = {}, const std::string& name = "");

}  // namespace Aidge
