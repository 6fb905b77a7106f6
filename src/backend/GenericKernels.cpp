#include "aidge/backend/GenericKernels.hpp"

#include <cstring>
#include <mutex>
#include <utility>

#include "aidge/core/Errors.hpp"

namespace Aidge {

namespace {

struct Holder {
  std::mutex mutex;
  std::shared_ptr<GenericProvider> provider;
};

Holder& holder() {
  static Holder instance;
  return instance;
}

/// A provider's kernel as a step: wraps the plan's buffers for it and copies its results to where the plan wants them.
class GenericStep final : public Kernel {
 public:
  explicit GenericStep(const KernelRequest& request) : mType(request.op->type()), mInputs(request.inputs), mOutputs(request.outputs) {
    std::vector<TensorInfo> infos;
    for (std::size_t i = 0; i < request.inputs.size(); ++i) {
      const Tensor* constant = request.constants[i];
      mComputed.push_back(request.present[i] && constant == nullptr);
      infos.push_back({.dims = request.inputs[i].dims,
                       .dtype = request.inputs[i].dtype,
                       .value = constant == nullptr ? nullptr : std::make_shared<const Tensor>(*constant),
                       .missing = !request.present[i]});
    }
    const std::shared_ptr<GenericProvider> provider = genericProvider();
    if (!provider) throw UnsupportedError("[backend::generic] expected a provider of generic kernels for " + mType + ", got none");
    mKernel = provider->create(*request.op, infos);
  }

  void run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte* /*scratch*/) override {
    std::vector<Tensor> tensors(mInputs.size());
    for (std::size_t i = 0; i < mInputs.size(); ++i) {
      // Only ever read: the view says so.
      if (mComputed[i]) tensors[i] = Tensor::fromExternal(const_cast<void*>(inputs[i]), mInputs[i].dims, mInputs[i].dtype, nullptr, false);
    }
    const std::vector<Tensor> results = mKernel->run(tensors);
    if (results.size() != mOutputs.size())
      throwExpected("backend::generic", std::to_string(mOutputs.size()) + " outputs of " + mType, std::to_string(results.size()));
    for (std::size_t i = 0; i < results.size(); ++i) store(i, results[i], outputs[i]);
  }

  [[nodiscard]] bool readsConstant(std::size_t /*index*/) const override { return false; }
  [[nodiscard]] std::string implementation() const override { return "generic"; }

 private:
  void store(std::size_t index, const Tensor& result, void* place) const {
    const TensorDesc& wanted = mOutputs[index];
    if (wanted.elements() == 0 && !result.hasData()) return;
    if (result.dims() != wanted.dims || result.dataType() != wanted.dtype) {
      throwExpected("backend::generic",
                    "output " + std::to_string(index) + " of " + mType + " as inferred, " + std::string(toString(wanted.dtype)) + " " +
                        toString(wanted.dims),
                    std::string(toString(result.dataType())) + " " + toString(result.dims()));
    }
    if (wanted.elements() > 0) std::memcpy(place, result.rawData(), wanted.bytes());
  }

  std::string mType;
  std::vector<TensorDesc> mInputs;
  std::vector<TensorDesc> mOutputs;
  std::vector<bool> mComputed;
  std::unique_ptr<GenericKernel> mKernel;
};

}  // namespace

void setGenericProvider(std::shared_ptr<GenericProvider> provider) {
  const std::lock_guard lock(holder().mutex);
  holder().provider = std::move(provider);
}

std::shared_ptr<GenericProvider> genericProvider() {
  const std::lock_guard lock(holder().mutex);
  return holder().provider;
}

std::optional<std::vector<TensorInfo>> inferGeneric(const Operator& op, std::span<const TensorInfo> inputs) {
  const std::shared_ptr<GenericProvider> provider = genericProvider();
  return provider ? provider->infer(op, inputs) : std::nullopt;
}

std::string genericRefusal(const Operator& op) {
  const std::shared_ptr<GenericProvider> provider = genericProvider();
  return provider ? provider->refusal(op) : "a generic operator without a kernel";
}

const KernelFactory& genericFactory() {
  static const KernelFactory factory = [] {
    KernelFactory made;
    made.layout = LayoutRule::PlainOnly;
    made.create = [](const KernelRequest& request) -> std::unique_ptr<Kernel> { return std::make_unique<GenericStep>(request); };
    return made;
  }();
  return factory;
}

}  // namespace Aidge
