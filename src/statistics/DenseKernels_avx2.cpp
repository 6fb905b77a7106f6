#define AIDGE_DENSE_NAMESPACE avx2
#define AIDGE_DENSE_EIGEN Eigen_avx2
#include "DenseKernels.inc"
