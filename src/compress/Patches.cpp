#include "Patches.hpp"

#include <algorithm>

#include "../layers/Layers.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge::compress {

LinearNode readLinear(const GraphView& graph, const NodePtr& node) {
  using layers::kBias;
  using layers::kWeight;
  LinearNode layer;
  layer.node = node;
  const bool isConv = node->getOperator()->role() == Role::Convolution;
  const auto weight = layers::constantAt(graph, *node, kWeight);
  if (weight == nullptr || weight->size() == 0) {
    layer.obstacle = "its weight is not a constant of floating-point type";
    return layer;
  }
  if ((node->getParent(kBias) && !layers::constantAt(graph, *node, kBias)) || layers::isFed(graph, node, kBias)) {
    layer.obstacle = "its bias is not a constant of floating-point type";
    return layer;
  }
  if (isConv) layer.groups = static_cast<std::size_t>(node->getOperator()->attribute<std::int64_t>("groups"));
  const Dims& dims = weight->dims();
  layer.outputs = static_cast<std::size_t>(dims[0]);
  layer.inputs = static_cast<std::size_t>(dims[1]);
  layer.kernel.assign(dims.begin() + 2, dims.end());
  layer.taps = elementCount(layer.kernel);
  return layer;
}

PatchReader::PatchReader(const LinearNode& layer, const Dims& input) : mGroups(layer.groups), mChannels(layer.inputs) {
  if (layer.node->getOperator()->role() == Role::FullyConnected) return;  // the whole sample is one patch
  mInput.assign(input.begin() + 2, input.end());
  mArea = elementCount(mInput);
  mTaps = layer.taps;
  mWindow = resolveWindow(*layer.node->getOperator(), input, layer.kernel);
  mPositions = elementCount(mWindow.output);
}

void PatchReader::read(const float* sample, std::size_t position, double* row, std::size_t stride) const {
  if (mInput.empty()) {
    std::copy_n(sample, mChannels, row);
    return;
  }
  const std::size_t axes = mInput.size();
  Dims origin(axes);
  auto rest = static_cast<DimSize_t>(position);
  for (std::size_t axis = axes; axis-- > 0;) {
    origin[axis] = rest % mWindow.output[axis] * mWindow.stride[axis] - mWindow.padBegin[axis];
    rest /= mWindow.output[axis];
  }
  for (std::size_t tap = 0; tap < mTaps; ++tap) {
    auto index = static_cast<DimSize_t>(tap);
    DimSize_t offset = 0;
    DimSize_t scale = 1;
    bool isInside = true;
    for (std::size_t axis = axes; axis-- > 0;) {
      const DimSize_t at = origin[axis] + index % mWindow.kernel[axis] * mWindow.dilation[axis];
      index /= mWindow.kernel[axis];
      isInside = isInside && at >= 0 && at < mInput[axis];
      offset += at * scale;
      scale *= mInput[axis];
    }
    const float* first = sample + (isInside ? static_cast<std::size_t>(offset) : 0);
    for (std::size_t g = 0; g < mGroups; ++g) {
      for (std::size_t c = 0; c < mChannels; ++c)
        row[g * stride + c * mTaps + tap] = isInside ? static_cast<double>(first[(g * mChannels + c) * mArea]) : 0.0;
    }
  }
}

PositionSampler::PositionSampler(std::size_t samples, std::size_t positions, std::size_t maxRows)
    : mPositions(positions), mStep(std::max<std::size_t>(1, samples * positions / std::max<std::size_t>(1, maxRows))) {}

std::vector<std::size_t> PositionSampler::of(std::size_t sample) const {
  constexpr std::size_t kScatter = 7919;  // a prime: neighbouring samples begin far apart
  std::vector<std::size_t> positions;
  const std::size_t step = std::min(mStep, mPositions);
  for (std::size_t p = sample * kScatter % step; p < mPositions; p += step) positions.push_back(p);
  return positions;
}

}  // namespace Aidge::compress
