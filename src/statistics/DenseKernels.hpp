// Private to statistics: the two dense kernels that Eigen does for us, one table an instruction set.
#pragma once

#include <cstddef>

namespace Aidge::statistics {

struct DenseKernels {
  /// c += aᵀ b. Row-major: a (rows, m) and b (rows, n) with `stride` elements from row to row, c (m, n) without gaps.
  void (*addProduct)(const double* a, const double* b, std::size_t stride, std::size_t rows, std::size_t m, std::size_t n, double* c);
  /// Eigenvalues, ascending, of the symmetric (n, n) matrix, which is overwritten. False where the iteration does not converge.
  bool (*eigenvalues)(double* matrix, std::size_t n, double* values);
};

/// The best table that this processor can run.
[[nodiscard]] const DenseKernels& denseKernels();

}  // namespace Aidge::statistics
