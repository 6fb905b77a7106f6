#include "aidge/backend/cpu/CpuBackend.hpp"

#include <stdexcept>

#include "aidge/backend/Kernel.hpp"

namespace Aidge {

void registerCpuBackend() {
  if (!KernelRegistry::hasBackend("cpu"))
    throw std::logic_error(
        "[backend_cpu::registerCpuBackend] expected the kernels of backend \"cpu\", got none: link libaidge_backend_cpu.a as a whole "
        "(--whole-archive), as the CMake target Aidge::aidge_backend_cpu does");
}

}  // namespace Aidge
