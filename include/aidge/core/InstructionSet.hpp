#pragma once

#include <cstdint>

namespace Aidge {

/// Instruction sets that innermost loops are compiled for, in files of their own.
enum class InstructionSet : std::uint8_t { Portable, Avx2, Avx512 };

/// Whether both this build and this processor have it.
[[nodiscard]] bool hasInstructionSet(InstructionSet set);

}  // namespace Aidge
