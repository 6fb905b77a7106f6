#pragma once

#include <cstdint>
#include <string_view>

namespace Aidge::cpu {

/// How 3x3 convolutions of stride 1 are computed. Direct: by their definition. Default: also by Winograd's F(2x2, 3x3), whose rounding errors
/// are no larger, where that is faster. Fast: also by F(4x4, 3x3), whose errors are up to ten times as large (about 1e-5 of a layer's maximum).
enum class ConvolutionAccuracy : std::uint8_t { Direct, Default, Fast };

/// Holds for all plans that are made from now on, in all threads; plans made under another setting are made anew.
void setConvolutionAccuracy(ConvolutionAccuracy accuracy);
/// "direct", "default" or "fast". Throws std::invalid_argument for another word.
void setConvolutionAccuracy(std::string_view accuracy);
[[nodiscard]] ConvolutionAccuracy convolutionAccuracy();
[[nodiscard]] std::string_view toString(ConvolutionAccuracy accuracy);

}  // namespace Aidge::cpu
