#pragma once

#include "aidge/core/Export.hpp"

namespace Aidge::cpu {

/// Threads that the kernels use, for forward passes started from any thread. 0: what OpenMP takes by itself (OMP_NUM_THREADS, else one a core).
/// Plans that were built for another number are rebuilt. Throws std::invalid_argument for a negative number.
AIDGE_EXPORT void setNumThreads(int threads);
/// The number that the next forward pass will use.
[[nodiscard]] AIDGE_EXPORT int numThreads();

}  // namespace Aidge::cpu
