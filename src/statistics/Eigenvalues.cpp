#include "aidge/statistics/Eigenvalues.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "DenseKernels.hpp"
#include "aidge/core/Errors.hpp"

namespace Aidge::statistics {

std::vector<double> eigenvalues(std::vector<double> matrix, std::size_t n) {
  constexpr std::string_view kWhere = "statistics::eigenvalues";
  if (matrix.size() != n * n) {
    throwExpected(kWhere, std::to_string(n) + " x " + std::to_string(n) + " elements", std::to_string(matrix.size()));
  }
  if (!std::all_of(matrix.begin(), matrix.end(), [](double v) { return std::isfinite(v); })) {
    throwExpected(kWhere, "finite elements", "NaN or infinity");
  }
  std::vector<double> values(n);
  if (n > 0 && !denseKernels().eigenvalues(matrix.data(), n, values.data())) {
    throwExpected(kWhere, "an iteration that converges", "none");
  }
  std::reverse(values.begin(), values.end());
  for (double& value : values) value = std::max(value, 0.0);
  return values;
}

}  // namespace Aidge::statistics
