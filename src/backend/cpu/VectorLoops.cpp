#include "VectorLoops.hpp"

#define AIDGE_LOOPS_NAMESPACE portable
#define AIDGE_LOOPS_SET InstructionSet::Portable
#include "VectorLoops.inc"

namespace Aidge::cpu {

#ifdef AIDGE_HAVE_AVX2
namespace avx2 {
extern const VectorLoops kLoops;
}
#endif
#ifdef AIDGE_HAVE_AVX512
namespace avx512 {
extern const VectorLoops kLoops;
}
#endif

const VectorLoops* findVectorLoops(InstructionSet set) {
  if (!hasInstructionSet(set)) return nullptr;
#ifdef AIDGE_HAVE_AVX2
  if (set == InstructionSet::Avx2) return &avx2::kLoops;
#endif
#ifdef AIDGE_HAVE_AVX512
  if (set == InstructionSet::Avx512) return &avx512::kLoops;
#endif
  return &portable::kLoops;
}

const VectorLoops& vectorLoops() {
  static const VectorLoops& best = *findVectorLoops(bestInstructionSet());
  return best;
}

}  // namespace Aidge::cpu
