#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "aidge/core/Export.hpp"

namespace Aidge::statistics {

/// Eigenvalues of a symmetric positive semi-definite matrix, descending; what rounding made negative is 0.
/// `matrix`: n × n elements, row-major. Throws std::invalid_argument if the size is another, an element is NaN or infinite, or the
/// iteration does not converge.
[[nodiscard]] AIDGE_EXPORT std::vector<double> eigenvalues(std::vector<double> matrix, std::size_t n);

}  // namespace Aidge::statistics
