#include "aidge/backend/cpu/Threads.hpp"

#include <omp.h>

#include <atomic>
#include <memory>
#include <string>

#include "PoolValues.hpp"
#include "SignActivation.hpp"
#include "aidge/backend/Kernel.hpp"
#include "aidge/backend/cpu/ConvolutionAccuracy.hpp"
#include "aidge/core/Errors.hpp"

namespace Aidge::cpu {

namespace {

/// OpenMP keeps its setting a thread; ours holds for all.
std::atomic<int> gThreads{0};
const int kDefaultThreads = omp_get_max_threads();

ThreadScope enterThread() {
  const int threads = numThreads();
  const int before = omp_get_max_threads();
  omp_set_num_threads(threads);
  return {threads, std::shared_ptr<void>(nullptr, [before](void*) { omp_set_num_threads(before); })};
}

void checkOption(std::string_view name, std::string_view value) {
  constexpr std::string_view kWhere = "graph::compile";
  if (name == kConvolutionChoice) {
    if (value != "rule" && value != "measure" && value != "winograd")
      throwExpected(kWhere, "convolution_choice \"rule\", \"measure\" or \"winograd\"", '"' + std::string(value) + '"');
    return;
  }
  if (name != kConvolutionAccuracy) throwExpected(kWhere, "the options convolution_accuracy and convolution_choice", std::string(name));
  static_cast<void>(parseConvolutionAccuracy(kWhere, value));
}

[[maybe_unused]] const bool kThreadsRegistered = KernelRegistry::setServices(
    "cpu", {enterThread, [] { return static_cast<int>(convolutionAccuracy()); }, checkOption, signActivation, poolValues});

}  // namespace

void setNumThreads(int threads) {
  if (threads < 0) throwExpected("backend_cpu::setNumThreads", "0 (automatic) or a positive number", std::to_string(threads));
  gThreads.store(threads);
}

int numThreads() {
  const int threads = gThreads.load();
  return threads > 0 ? threads : kDefaultThreads;
}

}  // namespace Aidge::cpu
