// Private to compress: what a linear layer multiplies its weights with, as rows of a regression.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "aidge/graph/GraphView.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::compress {

/// A Conv or an FC with constant weights. A Conv of several groups is as many small layers.
struct LinearNode {
  NodePtr node;
  std::size_t groups = 1;
  std::size_t inputs = 0;   ///< channels of a group, or features
  std::size_t outputs = 0;  ///< of all groups
  std::size_t taps = 1;
  Dims kernel;           ///< empty: FC
  std::string obstacle;  ///< not empty: why it is no such layer
  /// Of a group.
  [[nodiscard]] std::size_t unknowns() const noexcept { return inputs * taps; }
  [[nodiscard]] std::size_t outputsPerGroup() const noexcept { return outputs / groups; }
  /// Unknowns and outputs of a group.
  [[nodiscard]] std::size_t unitsPerGroup() const noexcept { return unknowns() + outputsPerGroup(); }
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
  /// Writes inputs · taps values a group, in the order of the weight, for one sample's position; each group's begin `stride` after those of the group before.
  /// `sample`: (channels, spatial …), row-major.
  void read(const float* sample, std::size_t position, double* row, std::size_t stride) const;

 private:
  std::size_t mGroups;
  std::size_t mChannels;  ///< of a group
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
