#include "Broadcast.hpp"

#include <algorithm>

namespace Aidge::cpu {

namespace {

/// Logical axes in the order in which they lie in memory.
std::vector<std::size_t> memoryOrder(std::size_t rank, Layout layout) {
  std::vector<std::size_t> order(rank);
  for (std::size_t axis = 0; axis < rank; ++axis) order[axis] = axis;
  if (layout == Layout::ChannelsLast && rank > 2) std::rotate(order.begin() + 1, order.begin() + 2, order.end());
  return order;
}

/// Distance in elements between neighbours along every logical axis of an output of `rank`; 0 if the operand is repeated.
std::vector<std::size_t> logicalSteps(const TensorDesc& operand, std::size_t rank) {
  std::vector<std::size_t> steps(rank, 0);
  std::size_t step = 1;
  const std::size_t own = operand.dims.size();
  const auto order = memoryOrder(own, operand.layout);
  for (auto axis = order.rbegin(); axis != order.rend(); ++axis) {
    const auto extent = static_cast<std::size_t>(operand.dims[*axis]);
    if (extent != 1) steps[*axis + rank - own] = step;
    step *= extent;
  }
  return steps;
}

}  // namespace

Broadcast::Broadcast(std::span<const TensorDesc> operands, const TensorDesc& output) {
  const std::size_t rank = output.dims.size();
  std::vector<std::vector<std::size_t>> steps;
  for (const TensorDesc& operand : operands) steps.push_back(logicalSteps(operand, rank));
  for (const std::size_t axis : memoryOrder(rank, output.layout)) {
    const auto extent = static_cast<std::size_t>(output.dims[axis]);
    mTotal *= extent;
    Offsets own{};
    for (std::size_t operand = 0; operand < operands.size(); ++operand) own[operand] = steps[operand][axis];
    if (extent != 1) append(extent, own);
  }
  Offsets ones{};
  std::fill_n(ones.begin(), operands.size(), std::size_t{1});
  if (mExtents.empty()) append(1, ones);
}

void Broadcast::append(std::size_t extent, const Offsets& steps) {
  bool joins = !mExtents.empty();
  for (std::size_t operand = 0; joins && operand < kMostOperands; ++operand) joins = mSteps.back()[operand] == extent * steps[operand];
  if (joins) {
    mExtents.back() *= extent;
    mSteps.back() = steps;
  } else {
    mExtents.push_back(extent);
    mSteps.push_back(steps);
  }
}

}  // namespace Aidge::cpu
