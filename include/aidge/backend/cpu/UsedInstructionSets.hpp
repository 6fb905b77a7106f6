#pragma once

#include <string>

#include "aidge/core/Export.hpp"

namespace Aidge::cpu {

/// The instruction sets that this process computes with.
struct UsedInstructionSets {
  std::string loops;   ///< of our own loops: "avx512", "avx2" or "sse41" (the portable ones)
  std::string onednn;  ///< of oneDNN's kernels, by the name of dnnl::cpu_isa: "avx512_core", "avx2" …
  std::string cap;     ///< what AIDGE_MAX_ISA allows: "avx512", "avx2", "sse41", or empty if it is not set
};

/// Asks our loops and oneDNN. Throws std::invalid_argument if AIDGE_MAX_ISA has an unknown value or cannot be applied to oneDNN.
[[nodiscard]] AIDGE_EXPORT UsedInstructionSets usedInstructionSets();

}  // namespace Aidge::cpu
