#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "aidge/core/Export.hpp"

namespace Aidge {

/// Instruction sets that the innermost loops are compiled for, each in its own source file. Ordered from the smallest to the largest.
enum class InstructionSet : std::uint8_t { Portable, Avx2, Avx512 };

/// "sse41", "avx2" or "avx512". The portable loops are what runs under the cap "sse41".
[[nodiscard]] AIDGE_EXPORT std::string_view toString(InstructionSet set);

/// Reads the word of a cap: "sse41" (portable loops), "avx2" or "avx512". Throws std::invalid_argument for any other word.
[[nodiscard]] AIDGE_EXPORT InstructionSet parseInstructionSet(std::string_view word);

/// The cap that the environment variable AIDGE_MAX_ISA sets for this process, which is read once; std::nullopt if it is not set or empty.
/// It holds for our own loops and for oneDNN. Throws std::invalid_argument if its value is not a known word.
[[nodiscard]] AIDGE_EXPORT std::optional<InstructionSet> instructionSetCap();

/// Whether this build has loops for `set`, this processor can run them, and the cap allows them. Throws as instructionSetCap does.
[[nodiscard]] AIDGE_EXPORT bool hasInstructionSet(InstructionSet set);

/// The largest set that hasInstructionSet allows. Throws as instructionSetCap does.
[[nodiscard]] AIDGE_EXPORT InstructionSet bestInstructionSet();

}  // namespace Aidge
