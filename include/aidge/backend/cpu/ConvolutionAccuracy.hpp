#pragma once

#include <cstdint>
#include <string_view>

#include "aidge/core/Export.hpp"

namespace Aidge::cpu {

/// How 3x3 convolutions of stride 1 are computed. Direct: by their definition. Default: also by Winograd's F(2x2, 3x3), whose rounding errors
/// are no larger, where that is faster. Fast: also by F(4x4, 3x3), whose errors are up to ten times as large (about 1e-5 of a layer's maximum).
enum class ConvolutionAccuracy : std::uint8_t { Direct, Default, Fast };

/// Name of the option of GraphView::compile that goes before the setting of the process.
inline constexpr std::string_view kConvolutionAccuracy = "convolution_accuracy";
/// Name of the option that says how a convolution's kernel is chosen among those of that accuracy: "rule" (by shape), "measure" (each is run
/// when a plan is made, and the result is kept for the process) or "winograd" (wherever it is possible: for benchmarks).
inline constexpr std::string_view kConvolutionChoice = "convolution_choice";

/// From "direct", "default" or "fast". Throws std::invalid_argument that begins with `where` for another word.
[[nodiscard]] AIDGE_EXPORT ConvolutionAccuracy parseConvolutionAccuracy(std::string_view where, std::string_view word);
/// Holds for all plans that are made from now on, in all threads, for graphs that were compiled without the option; plans made under another
/// setting are made anew.
AIDGE_EXPORT void setConvolutionAccuracy(ConvolutionAccuracy accuracy);
[[nodiscard]] AIDGE_EXPORT ConvolutionAccuracy convolutionAccuracy();
[[nodiscard]] AIDGE_EXPORT std::string_view toString(ConvolutionAccuracy accuracy);

}  // namespace Aidge::cpu
