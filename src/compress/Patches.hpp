// Private to compress: what a linear layer multiplies its weights with, as rows of a regression.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "aidge/graph/GraphView.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::compress {

/// A Conv without groups or an FC with constant weights.
struct LinearNode {
  NodePtr node;
  std::size_t inputs = 0;  ///< channels or features
  std::size_t outputs = 0;
  std::size_t taps = 1;
  Dims kernel;           ///< empty: FC
  std::string obstacle;  ///< not empty: why it is no such layer
  [[nodiscard]] std::size_t unknowns() const noexcept { return inputs * taps; }
};
/// Reads a Conv or an FC.
[[nodiscard]] LinearNode readLinear(const GraphView& graph, const NodePtr& node);

/// Cuts the patches of some positions out of an input.
class PatchReader {
 public:
  /// `input`: dims of the data.
  PatchReader(const LinearNode& layer, const Dims& input);
  /// Positions of the output, a sample.
  [[nodiscard]] std::size_t positions() const noexcept { return mPositions; }
  /// Writes inputs · taps values, in the order of the weight, for one sample's position. `sample`: (channels, spatial …), row-major.
  void read(const float* sample, std::size_t position, double* row) const;

 private:
  std::size_t mChannels;
  std::size_t mTaps = 1;
  std::size_t mPositions = 1;
  std::size_t mArea = 1;  ///< elements of an input channel
  Dims mInput;            ///< spatial
  SpatialWindow mWindow;
};

/// Which positions of a sample are looked at, so that about `maxRows` of all samples are: every n-th, with another beginning a sample.
class PositionSampler {
 public:
  PositionSampler(std::size_t samples, std::size_t positions, std::size_t maxRows);
  [[nodiscard]] std::vector<std::size_t> of(std::size_t sample) const;

 private:
  std::size_t mPositions;
  std::size_t mStep;
};

}  // namespace Aidge::compress
