#pragma once

#include <cstddef>

#include "aidge/core/InstructionSet.hpp"

namespace Aidge::cpu {

/// Where one tile of a convolution's result goes, and what is done to it on the way. Rows of `channels` floats, one a pixel; none may be null
/// but `addends` as a whole.
struct WinogradTarget {
  float* const* pixels = nullptr;         ///< m * m rows, row by row
  const float* const* addends = nullptr;  ///< m * m rows that are added (may be `pixels`); nullptr: none
  const float* bias = nullptr;
  std::size_t channels = 0;
  float low = 0.0F;  ///< values end up in [low, high]
  float high = 0.0F;
};

/// The transforms of the minimal filtering algorithms F(m x m, 3 x 3), m = 2 or 4, over channels-last data (Lavin and Gray, "Fast Algorithms
/// for Convolutional Neural Networks", 2015; points 0, 1, -1, (2, -2), infinity). A tile of t * t pixels, t = m + 2, becomes t * t values a channel.
/// Internal to the backend.
struct WinogradTransforms {
  /// `pixels`: t * t rows of `channels` floats. Value e of channel c goes to target[e * stride + c].
  using Input = void (*)(const float* const* pixels, std::size_t channels, float* target, std::size_t stride);
  /// Value e of channel c is source[e * stride + c].
  using Output = void (*)(const float* source, std::size_t stride, const WinogradTarget& target);

  Input input2;
  Input input4;
  Output output2;
  Output output4;
};

/// The transforms for one instruction set; nullptr if the processor or the build lacks it.
[[nodiscard]] const WinogradTransforms* findWinogradTransforms(InstructionSet set);
/// The best ones that this processor can run.
[[nodiscard]] const WinogradTransforms& winogradTransforms();

}  // namespace Aidge::cpu
