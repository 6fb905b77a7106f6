#pragma once

#include <cstddef>
#include <vector>

#include "Program.hpp"

namespace Aidge::plan {

/// Where values and scratch lie in the arena, in bytes from its start; kNoValue for what lies elsewhere (inputs, constants, exports).
/// In a segment of several parts local values and scratch are there once a thread, `laneBytes` apart.
struct MemoryPlan {
  std::vector<std::size_t> valueOffsets;    ///< one a value
  std::vector<std::size_t> scratchOffsets;  ///< one a step
  std::vector<std::size_t> laneBytes;       ///< one a segment
  std::size_t arenaBytes = 0;
};

/// For every value the value whose buffer it takes over when it is written (kNoValue: none). Marks the post-ops that add in place. An output may take a buffer over
/// that nobody reads later: of the tensor to be added, or of input 0 if the kernel allows it.
[[nodiscard]] std::vector<ValueId> shareBuffers(Program& program);

/// Gives every intermediate value and every step's scratch (bytes, one a step) a place; what is alive at the same time never overlaps. Greedy: biggest first, lowest
/// free place, aligned to AlignedBuffer::kAlignment. `threads`: how many parts of a segment run at a time.
[[nodiscard]] MemoryPlan planMemory(const Program& program, const std::vector<ValueId>& shared,
                                    const std::vector<std::size_t>& scratchBytes, int threads);

}  // namespace Aidge::plan
