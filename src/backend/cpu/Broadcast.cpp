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

/// Distance in elements between neighbours along every logical axis of an output of `rank`; 0 where the operand is repeated.
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

Broadcast::Broadcast(const TensorDesc& a, const TensorDesc& b, const TensorDesc& output) {
  const std::size_t rank = output.dims.size();
  const std::array<std::vector<std::size_t>, 2> steps{logicalSteps(a, rank), logicalSteps(b, rank)};
  for (const std::size_t axis : memoryOrder(rank, output.layout)) {
    const auto extent = static_cast<std::size_t>(output.dims[axis]);
    mTotal *= extent;
    if (extent != 1) append(extent, {steps[0][axis], steps[1][axis]});
  }
  if (mExtents.empty()) append(1, {1, 1});
}

void Broadcast::append(std::size_t extent, const std::array<std::size_t, 2>& steps) {
  const bool joins = !mExtents.empty() && mSteps[0].back() == extent * steps[0] && mSteps[1].back() == extent * steps[1];
  if (joins) {
    mExtents.back() *= extent;
  } else {
    mExtents.push_back(extent);
  }
  for (std::size_t operand = 0; operand < 2; ++operand) {
    if (joins) {
      mSteps[operand].back() = steps[operand];
    } else {
      mSteps[operand].push_back(steps[operand]);
    }
  }
}

}  // namespace Aidge::cpu
