// Private to statistics: the dense kernels that Eigen does for us, one table an instruction set.
#pragma once

#include <cstddef>

namespace Aidge::statistics {

struct DenseKernels {
  /// c += aᵀ b. Row-major: a (rows, m) and b (rows, n) with so many elements from row to row, c (m, n) without gaps.
  void (*addProduct)(const double* a, std::size_t strideA, const double* b, std::size_t strideB, std::size_t rows, std::size_t m,
                     std::size_t n, double* c);
  /// Eigenvalues, ascending, of the symmetric (n, n) matrix, which is overwritten. False if the iteration does not converge.
  bool (*eigenvalues)(double* matrix, std::size_t n, double* values);
  /// rhs = matrix^-1 rhs for a symmetric positive definite (n, n) matrix, which is overwritten, and a row-major (n, m) right-hand side. False if the
  /// matrix is not positive definite.
  bool (*solvePositive)(double* matrix, std::size_t n, double* rhs, std::size_t m);
};

/// The best table that this processor can run.
[[nodiscard]] const DenseKernels& denseKernels();

}  // namespace Aidge::statistics
