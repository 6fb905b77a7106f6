#include <omp.h>

#include <atomic>
#include <cstdint>
#include <vector>

#include "EngineHelpers.hpp"
#include "aidge/backend/Kernel.hpp"
#include "aidge/backend/cpu/Threads.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::test;

TEST_CASE("Threads of a team run one convolution with weights of their own at the same time") {
  const AttributeMap attributes{{"kernel_dims", std::vector<std::int64_t>{3, 3}}};
  const Operator op("Conv2D", attributes);
  const Dims dataDims{1, 16, 12, 12};
  const Dims weightDims{32, 16, 3, 3};
  const Dims outputDims{1, 32, 10, 10};
  cpu::setNumThreads(2);
  const ThreadScope scope = KernelRegistry::services("cpu").enterThread();
  KernelRequest request;
  request.op = &op;
  request.inputs = {{dataDims, DataType::Float32, Layout::ChannelsLast}, {weightDims}};
  request.present = {true, true};
  request.constants = {nullptr, nullptr};
  request.outputs = {{outputDims, DataType::Float32, Layout::ChannelsLast}};
  const auto kernel = KernelRegistry::find("cpu", "Conv2D")->create(request);
  const Tensor data = randomTensor(dataDims, 1);
  const std::vector<Tensor> weights{randomTensor(weightDims, 2), randomTensor(weightDims, 3)};
  const auto run = [&](const Tensor& weight) {
    Tensor output(outputDims);
    output.allocate();
    std::vector<std::byte> scratch(kernel->scratchBytes() + 64);
    auto* aligned = scratch.data() + (64 - reinterpret_cast<std::uintptr_t>(scratch.data()) % 64);
    const std::vector<const void*> inputs{data.rawData(), weight.rawData()};
    const std::vector<void*> outputs{output.rawMutableData()};
    kernel->run(inputs, outputs, aligned);
    return output;
  };
  const std::vector<Tensor> expected{run(weights[0]), run(weights[1])};
  REQUIRE(difference(expected[0], expected[1]) > 0.1);
  std::atomic<int> wrong{0};
#pragma omp parallel num_threads(2)
  {
    omp_set_num_threads(1);
    const auto own = static_cast<std::size_t>(omp_get_thread_num());
    for (int i = 0; i < 200; ++i) wrong += difference(run(weights[own]), expected[own]) < kFloatTolerance ? 0 : 1;
  }
  CHECK(wrong == 0);
  cpu::setNumThreads(0);
}
