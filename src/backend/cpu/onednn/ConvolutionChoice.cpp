#include "ConvolutionChoice.hpp"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <mutex>
#include <string>

#include "Engine.hpp"

namespace Aidge::cpu::onednn {

namespace {

/// Each kernel's time is the shortest of this many runs after one that warms up.
constexpr int kRuns = 5;

std::mutex gMutex;
std::map<std::string, std::size_t, std::less<>> gChoices;

void append(std::string& key, const TensorDesc& desc) {
  for (const DimSize_t extent : desc.dims) key += std::to_string(extent) + "x";
  key += desc.layout == Layout::Plain ? "p " : "l ";
}

/// Everything that the time of a kernel depends on.
std::string keyOf(const KernelRequest& request, std::size_t makers) {
  std::string key = request.op->type() + " " + std::to_string(omp_get_max_threads()) + " " + std::to_string(makers) + " ";
  for (const TensorDesc& desc : request.inputs) append(key, desc);
  for (const TensorDesc& desc : request.outputs) append(key, desc);
  for (const char* name : {"stride_dims", "dilation_dims", "padding_dims"}) {
    for (const std::int64_t value : request.op->attribute<std::vector<std::int64_t>>(name)) key += std::to_string(value) + ",";
  }
  key += request.op->attribute<std::string>("auto_pad") + std::to_string(request.op->attribute<std::int64_t>("groups"));
  for (const PostOp& postOp : request.postOps) key += (postOp.activation ? postOp.activation->type() : "sum") + (postOp.inPlace ? "!" : "");
  return key + (request.counted.op ? "counted " + request.counted.op->type() : "");
}

/// Aligned floats that are no denormals.
class Values {
 public:
  explicit Values(std::size_t bytes) : mBytes(aligned(bytes) + 64) {
    mStorage.assign(mBytes / sizeof(float), 0.25F);
    const auto address = reinterpret_cast<std::uintptr_t>(mStorage.data());
    mOffset = (64 - address % 64) % 64 / sizeof(float);
  }
  [[nodiscard]] void* data() { return mStorage.data() + mOffset; }

 private:
  std::size_t mBytes;
  std::size_t mOffset = 0;
  std::vector<float> mStorage;
};

/// Buffers for a request's inputs and outputs.
class Trial {
 public:
  explicit Trial(const KernelRequest& request) : mCounted(request.counted.op != nullptr) {
    for (std::size_t i = 0; i < request.inputs.size(); ++i) {
      const bool constant = request.constants[i] != nullptr;
      if (constant || !request.present[i]) {
        mIn.push_back(constant ? request.constants[i]->rawData() : nullptr);
      } else {
        mIn.push_back(mBuffers.emplace_back(std::make_unique<Values>(request.inputs[i].bytes()))->data());
      }
    }
    for (const TensorDesc& desc : request.outputs) mOut.push_back(mBuffers.emplace_back(std::make_unique<Values>(desc.bytes()))->data());
  }

  [[nodiscard]] double seconds(Kernel& kernel, std::byte* scratch) {
    const auto start = std::chrono::steady_clock::now();
    if (mCounted) {
      SignAccumulator signs;
      kernel.runCounting(mIn, mOut, scratch, signs);
    } else {
      kernel.run(mIn, mOut, scratch);
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

 private:
  bool mCounted;
  std::vector<std::unique_ptr<Values>> mBuffers;
  std::vector<const void*> mIn;
  std::vector<void*> mOut;
};

std::size_t measure(const KernelRequest& request, const std::vector<KernelMaker>& makers) {
  Trial trial(request);
  std::vector<std::unique_ptr<Kernel>> kernels;
  std::size_t scratchBytes = 0;
  for (const KernelMaker& make : makers) {
    kernels.push_back(make());
    scratchBytes = std::max(scratchBytes, kernels.back()->scratchBytes());
  }
  Values scratch(scratchBytes);
  std::vector<double> best(kernels.size(), std::numeric_limits<double>::infinity());
  for (int run = 0; run <= kRuns; ++run) {
    for (std::size_t k = 0; k < kernels.size(); ++k) {
      const double seconds = trial.seconds(*kernels[k], static_cast<std::byte*>(scratch.data()));
      if (run > 0) best[k] = std::min(best[k], seconds);
    }
  }
  return static_cast<std::size_t>(std::min_element(best.begin(), best.end()) - best.begin());
}

}  // namespace

std::unique_ptr<Kernel> fastestKernel(const KernelRequest& request, const std::vector<KernelMaker>& makers) {
  if (makers.size() == 1) return makers[0]();
  const std::string key = keyOf(request, makers.size());
  const std::lock_guard lock(gMutex);  // also so that nobody else's trial runs beside this one
  auto known = gChoices.find(key);
  if (known == gChoices.end()) known = gChoices.emplace(key, measure(request, makers)).first;
  return makers[known->second]();
}

}  // namespace Aidge::cpu::onednn
