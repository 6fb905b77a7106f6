#define AIDGE_DENSE_NAMESPACE avx512
#define AIDGE_DENSE_EIGEN Eigen_avx512
#include "DenseKernels.inc"
