#include "aidge/core/InstructionSet.hpp"

#define AIDGE_DENSE_NAMESPACE portable
#include "DenseKernels.inc"

namespace Aidge::statistics {

#ifdef AIDGE_HAVE_AVX2
namespace avx2 {
extern const DenseKernels kKernels;
}
#endif
#ifdef AIDGE_HAVE_AVX512
namespace avx512 {
extern const DenseKernels kKernels;
}
#endif

const DenseKernels& denseKernels() {
  static const DenseKernels& best = []() -> const DenseKernels& {
    switch (bestInstructionSet()) {
#ifdef AIDGE_HAVE_AVX512
      case InstructionSet::Avx512:
        return avx512::kKernels;
#endif
#ifdef AIDGE_HAVE_AVX2
      case InstructionSet::Avx2:
        return avx2::kKernels;
#endif
      default:
        return portable::kKernels;
    }
  }();
  return best;
}

}  // namespace Aidge::statistics
