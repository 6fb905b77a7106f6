#include "WinogradTransforms.hpp"

#include <initializer_list>

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
  static const WinogradTransforms& best = []() -> const WinogradTransforms& {
    for (const InstructionSet set : {InstructionSet::Avx512, InstructionSet::Avx2}) {
      if (const WinogradTransforms* transforms = findWinogradTransforms(set)) return *transforms;
    }
    return portable::kTransforms;
  }();
  return best;
}

}  // namespace Aidge::cpu
