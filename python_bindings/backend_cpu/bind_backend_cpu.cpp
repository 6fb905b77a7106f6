#include <pybind11/pybind11.h>

#include "aidge/backend/cpu/Threads.hpp"

namespace py = pybind11;

// Loading this module loads libaidge_backend_cpu, whose kernels register themselves.
PYBIND11_MODULE(_backend_cpu, m) {
  m.doc() = "The native part of aidge_backend_cpu.";
  m.attr("__version__") = AIDGE_VERSION;
  m.def("set_num_threads", &Aidge::cpu::setNumThreads, py::arg("threads"),
        "Threads that the kernels use, for forward passes started from any thread. 0: what OpenMP takes by itself (OMP_NUM_THREADS, else "
        "one a core).\n"
        "ValueError for a negative number.");
  m.def("get_num_threads", &Aidge::cpu::numThreads, "The number of threads that the next forward pass will use.");
}
