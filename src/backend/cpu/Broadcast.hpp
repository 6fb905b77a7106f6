#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "aidge/backend/Kernel.hpp"

namespace Aidge::cpu {

/// Walks an output in memory order together with two operands under NumPy's broadcasting, each in its own layout. Neighbouring axes along which
/// all three move alike are one. Internal.
class Broadcast {
 public:
  Broadcast(const TensorDesc& a, const TensorDesc& b, const TensorDesc& output);

  [[nodiscard]] std::size_t total() const noexcept { return mTotal; }
  /// Steps of operand 0 or 1 along a run (0: it stays on one element).
  [[nodiscard]] std::size_t step(std::size_t operand) const { return mSteps[operand].back(); }

  /// Calls body(output, a, b, n), the offsets of a run's first element and its length, for the runs in [begin, end) of the output.
  template <typename Body> void forRuns(std::size_t begin, std::size_t end, const Body& body) const {
    const std::size_t inner = mExtents.back();
    while (begin < end) {
      const std::size_t within = begin % inner;
      const std::size_t n = std::min(end - begin, inner - within);
      const auto [a, b] = rowOffsets(begin / inner);
      body(begin, a + within * step(0), b + within * step(1), n);
      begin += n;
    }
  }

 private:
  /// Offsets of the operands at the start of an innermost row.
  [[nodiscard]] std::array<std::size_t, 2> rowOffsets(std::size_t row) const {
    std::array<std::size_t, 2> offsets{0, 0};
    for (std::size_t axis = mExtents.size() - 1; axis-- > 0;) {
      const std::size_t index = row % mExtents[axis];
      row /= mExtents[axis];
      offsets[0] += index * mSteps[0][axis];
      offsets[1] += index * mSteps[1][axis];
    }
    return offsets;
  }
  void append(std::size_t extent, const std::array<std::size_t, 2>& steps);

  std::vector<std::size_t> mExtents;  ///< outermost first, at least one
  std::array<std::vector<std::size_t>, 2> mSteps;
  std::size_t mTotal = 1;
};

}  // namespace Aidge::cpu
