#include "aidge/core/InstructionSet.hpp"

namespace Aidge {

bool hasInstructionSet(InstructionSet set) {
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

}  // namespace Aidge
