#pragma once

#include "aidge/core/Export.hpp"

namespace Aidge {

/// Makes the backend "cpu" available. A C++ program calls it once before it compiles a graph: the kernels register themselves when their library is loaded, and
/// this call makes the program depend on that library. It may be called again, and from several threads. Throws std::logic_error if the kernels are not linked,
/// which happens with static libraries that are linked without Aidge::aidge_backend_cpu's link options.
AIDGE_EXPORT void registerCpuBackend();

}  // namespace Aidge
