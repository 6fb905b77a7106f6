#include "InFloat.hpp"

#include <utility>

#include "aidge/data/Convert.hpp"

namespace Aidge::cpu {

namespace {

bool isHalf(DataType type) { return type == DataType::Float16 || type == DataType::BFloat16; }
std::size_t aligned(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

class InFloatKernel final : public Kernel {
 public:
  InFloatKernel(const KernelRequest& request, std::unique_ptr<Kernel> inner)
      : mInner(std::move(inner)), mInputs(request.inputs), mOutputs(request.outputs) {}

  void run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte* scratch) override {
    std::byte* place = scratch;
    const auto take = [&](const TensorDesc& desc) { return std::exchange(place, place + aligned(desc.elements() * sizeof(float))); };
    std::vector<const void*> from(inputs.begin(), inputs.end());
    std::vector<void*> to(outputs.begin(), outputs.end());
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (!isHalf(mInputs[i].dtype)) continue;
      std::byte* values = take(mInputs[i]);
      if (from[i] == nullptr) continue;
      convertElements(from[i], mInputs[i].dtype, values, DataType::Float32, mInputs[i].elements());
      from[i] = values;
    }
    for (std::size_t i = 0; i < to.size(); ++i) {
      if (isHalf(mOutputs[i].dtype)) to[i] = take(mOutputs[i]);
    }
    mInner->run(from, to, place);
    for (std::size_t i = 0; i < to.size(); ++i) {
      if (isHalf(mOutputs[i].dtype)) convertElements(to[i], DataType::Float32, outputs[i], mOutputs[i].dtype, mOutputs[i].elements());
    }
  }

  [[nodiscard]] std::size_t scratchBytes() const override {
    std::size_t bytes = mInner->scratchBytes();
    for (const auto* descs : {&mInputs, &mOutputs}) {
      for (const TensorDesc& desc : *descs) bytes += isHalf(desc.dtype) ? aligned(desc.elements() * sizeof(float)) : 0;
    }
    return bytes;
  }
  [[nodiscard]] std::size_t packedBytes() const override { return mInner->packedBytes(); }
  [[nodiscard]] std::string implementation() const override { return mInner->implementation() + ":in_float32"; }

 private:
  std::unique_ptr<Kernel> mInner;
  std::vector<TensorDesc> mInputs;
  std::vector<TensorDesc> mOutputs;
};

}  // namespace

std::unique_ptr<Kernel> createInFloat(const KernelRequest& request,
                                      const std::function<std::unique_ptr<Kernel>(const KernelRequest&)>& create) {
  KernelRequest own = request;
  std::vector<Tensor> constants;
  constants.reserve(own.constants.size());
  for (const Tensor*& constant : own.constants) {
    if (constant == nullptr || !isHalf(constant->dataType())) continue;
    constants.push_back(constant->cast(DataType::Float32));
    constant = &constants.back();
  }
  for (auto* descs : {&own.inputs, &own.outputs}) {
    for (TensorDesc& desc : *descs) {
      if (isHalf(desc.dtype)) desc.dtype = DataType::Float32;
    }
  }
  return std::make_unique<InFloatKernel>(request, create(own));
}

}  // namespace Aidge::cpu
