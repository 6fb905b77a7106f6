#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "aidge/backend/Kernel.hpp"

namespace Aidge::cpu {

/// Walks an output in memory order together with up to three operands under NumPy's broadcasting, each in its own layout. Neighbouring axes along
/// which all move alike are one. Internal.
class Broadcast {
 public:
  static constexpr std::size_t kMostOperands = 3;
  using Offsets = std::array<std::size_t, kMostOperands>;

  Broadcast(std::span<const TensorDesc> operands, const TensorDesc& output);

  [[nodiscard]] std::size_t total() const noexcept { return mTotal; }
  /// Steps of an operand along a run (0: it stays on one element).
  [[nodiscard]] std::size_t step(std::size_t operand) const { return mSteps.back()[operand]; }

  /// Calls body(output, offsets, n), the offsets of a run's first element in output and operands and its length, for the runs in [begin, end) of the
  /// output.
  template <typename Body> void forRuns(std::size_t begin, std::size_t end, const Body& body) const {
    const std::size_t inner = mExtents.back();
    while (begin < end) {
      const std::size_t within = begin % inner;
      const std::size_t n = std::min(end - begin, inner - within);
      Offsets offsets = rowOffsets(begin / inner);
      for (std::size_t operand = 0; operand < kMostOperands; ++operand) offsets[operand] += within * step(operand);
      body(begin, offsets, n);
      begin += n;
    }
  }

 private:
  /// Offsets of the operands at the start of an innermost row.
  [[nodiscard]] Offsets rowOffsets(std::size_t row) const {
    Offsets offsets{};
    for (std::size_t axis = mExtents.size() - 1; axis-- > 0;) {
      const std::size_t index = row % mExtents[axis];
      row /= mExtents[axis];
      for (std::size_t operand = 0; operand < kMostOperands; ++operand) offsets[operand] += index * mSteps[axis][operand];
    }
    return offsets;
  }
  void append(std::size_t extent, const Offsets& steps);

  std::vector<std::size_t> mExtents;  ///< outermost first, at least one
  std::vector<Offsets> mSteps;        ///< of the operands, one entry an extent
  std::size_t mTotal = 1;
};

}  // namespace Aidge::cpu
