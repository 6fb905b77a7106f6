#include "aidge/backend/cpu/CpuBackend.hpp"

#include <thread>
#include <vector>

#include "aidge/backend/Kernel.hpp"
#include "catch.hpp"

using namespace Aidge;

TEST_CASE("The CPU backend is registered once, however often and from however many threads that is asked", "[backend][CpuBackend]") {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(registerCpuBackend);
  threads.clear();
  registerCpuBackend();
  REQUIRE(KernelRegistry::backends() == std::vector<std::string>{"cpu"});
  REQUIRE(KernelRegistry::find("cpu", "Conv2D") != nullptr);
}
