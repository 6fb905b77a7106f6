#include "WinogradTransforms.hpp"

#define AIDGE_LOOPS_NAMESPACE portable
#include "WinogradTransforms.inc"

namespace Aidge::cpu {

#ifdef AIDGE_HAVE_AVX2
namespace avx2 {
extern const WinogradTransforms kTransforms;
}
#endif
#ifdef AIDGE_HAVE_AVX512
namespace avx512 {
extern const WinogradTransforms kTransforms;
}
#endif

const WinogradTransforms* findWinogradTransforms(InstructionSet set) {
  if (!hasInstructionSet(set)) return nullptr;
#ifdef AIDGE_HAVE_AVX2
  if (set == InstructionSet::Avx2) return &avx2::kTransforms;
#endif
#ifdef AIDGE_HAVE_AVX512
  if (set == InstructionSet::Avx512) return &avx512::kTransforms;
#endif
  return &portable::kTransforms;
}

const WinogradTransforms& winogradTransforms() {
  static const WinogradTransforms& best = *findWinogradTransforms(bestInstructionSet());
  return best;
}

}  // namespace Aidge::cpu
