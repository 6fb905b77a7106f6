#include <pybind11/pybind11.h>

#include <string>

#include "aidge/backend/cpu/ConvolutionAccuracy.hpp"
#include "aidge/backend/cpu/CpuBackend.hpp"
#include "aidge/backend/cpu/Threads.hpp"
#include "aidge/backend/cpu/UsedInstructionSets.hpp"

namespace py = pybind11;

PYBIND11_MODULE(_backend_cpu, m) {
  Aidge::registerCpuBackend();
  m.doc() = "The native part of aidge_backend_cpu.";
  m.attr("__version__") = AIDGE_VERSION;
  m.def("set_num_threads", &Aidge::cpu::setNumThreads, py::arg("threads"),
        "Threads that the kernels use, for forward passes started from any thread. 0: what OpenMP takes by itself (OMP_NUM_THREADS, else "
        "one a core).\n"
        "ValueError for a negative number.");
  m.def("get_num_threads", &Aidge::cpu::numThreads, "The number of threads that the next forward pass will use.");
  m.def(
      "set_convolution_accuracy",
      [](const std::string& accuracy) {
        Aidge::cpu::setConvolutionAccuracy(Aidge::cpu::parseConvolutionAccuracy("backend_cpu::set_convolution_accuracy", accuracy));
      },
      py::arg("accuracy"),
      "How 3x3 convolutions of stride 1 are computed from now on, in all threads. \"direct\": by their definition. \"default\": also by "
      "Winograd's F(2x2, 3x3) where that is faster; its rounding errors are no larger. \"fast\": also by F(4x4, 3x3), whose errors are up "
      "to "
      "ten times as large, about 1e-5 of a layer's maximum.\n"
      "ValueError for another word.");
  m.def(
      "used_instruction_sets",
      [] {
        const Aidge::cpu::UsedInstructionSets used = Aidge::cpu::usedInstructionSets();
        return py::dict(py::arg("loops") = used.loops, py::arg("onednn") = used.onednn, py::arg("cap") = used.cap);
      },
      "The instruction sets that this process computes with, as a dict: \"loops\" (our own: \"avx512\", \"avx2\" or \"sse41\"), \"onednn\" "
      "(the name of oneDNN's level) and \"cap\" (the value of AIDGE_MAX_ISA; \"\" if it is not set).\n"
      "ValueError if AIDGE_MAX_ISA is not avx512, avx2 or sse41.");
  m.def(
      "get_convolution_accuracy", [] { return std::string(toString(Aidge::cpu::convolutionAccuracy())); },
      "\"direct\", \"default\" or \"fast\".");
}
