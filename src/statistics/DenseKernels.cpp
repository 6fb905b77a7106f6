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
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma")) {
    return avx512::kKernels;
  }
#endif
#ifdef AIDGE_HAVE_AVX2
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return avx2::kKernels;
#endif
  return portable::kKernels;
}

}  // namespace Aidge::statistics
