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
#ifdef AIDGE_HAVE_AVX512
  if (hasInstructionSet(InstructionSet::Avx512)) return avx512::kKernels;
#endif
#ifdef AIDGE_HAVE_AVX2
  if (hasInstructionSet(InstructionSet::Avx2)) return avx2::kKernels;
#endif
  return portable::kKernels;
}

}  // namespace Aidge::statistics
