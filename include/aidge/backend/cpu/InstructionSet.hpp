#pragma once

#include <cstdint>

namespace Aidge::cpu {

/// Instruction sets that the innermost loops are compiled for.
enum class InstructionSet : std::uint8_t { Portable, Avx2, Avx512 };

/// Whether both this build and this processor have it.
[[nodiscard]] bool hasInstructionSet(InstructionSet set);

}  // namespace Aidge::cpu
