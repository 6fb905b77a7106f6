#include "aidge/core/InstructionSet.hpp"

#include <array>
#include <cstdlib>
#include <string>

#include "aidge/core/Errors.hpp"

namespace Aidge {

namespace {

constexpr std::array kLargestFirst{InstructionSet::Avx512, InstructionSet::Avx2, InstructionSet::Portable};

bool processorHas(InstructionSet set) {
#ifdef AIDGE_HAVE_AVX2
  if (set == InstructionSet::Avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
#ifdef AIDGE_HAVE_AVX512
  if (set == InstructionSet::Avx512) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma");
  }
#endif
  return set == InstructionSet::Portable;
}

}  // namespace

std::string_view toString(InstructionSet set) {
  switch (set) {
    case InstructionSet::Avx512:
      return "avx512";
    case InstructionSet::Avx2:
      return "avx2";
    case InstructionSet::Portable:
      break;
  }
  return "sse41";
}

InstructionSet parseInstructionSet(std::string_view word) {
  for (const InstructionSet set : kLargestFirst) {
    if (word == toString(set)) return set;
  }
  throwExpected("core::parseInstructionSet", "AIDGE_MAX_ISA as avx512, avx2 or sse41", "\"" + std::string(word) + "\"");
}

std::optional<InstructionSet> instructionSetCap() {
  static const std::optional<InstructionSet> cap = []() -> std::optional<InstructionSet> {
    const char* word = std::getenv("AIDGE_MAX_ISA");
    if (word == nullptr || *word == '\0') return std::nullopt;
    return parseInstructionSet(word);
  }();
  return cap;
}

bool hasInstructionSet(InstructionSet set) { return processorHas(set) && set <= instructionSetCap().value_or(InstructionSet::Avx512); }

InstructionSet bestInstructionSet() {
  for (const InstructionSet set : kLargestFirst) {
    if (hasInstructionSet(set)) return set;
  }
  return InstructionSet::Portable;
}

}  // namespace Aidge
