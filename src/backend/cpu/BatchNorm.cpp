// BatchNorm with fixed statistics, where it could not be folded into the layer before it: y = factor * x + term, a channel at a time.
#include <cmath>

#include "KernelSupport.hpp"
#include "PostOps.hpp"
#include "VectorLoops.hpp"

namespace Aidge::cpu {

namespace {

/// Factor and term of every channel.
struct Affine {
  std::vector<float> factors;
  std::vector<float> terms;

  /// From scale, shift, mean and variance.
  void set(const float* scale, const float* shift, const float* mean, const float* variance, double epsilon) {
    for (std::size_t c = 0; c < factors.size(); ++c) {
      const double factor = static_cast<double>(scale[c]) / std::sqrt(static_cast<double>(variance[c]) + epsilon);
      factors[c] = static_cast<float>(factor);
      terms[c] = static_cast<float>(static_cast<double>(shift[c]) - static_cast<double>(mean[c]) * factor);
    }
  }
};

class BatchNormKernel final : public Kernel {
 public:
  explicit BatchNormKernel(const KernelRequest& request)
      : mOrder(request.outputs[0].dims, request.outputs[0].layout), mEpsilon(request.op->attribute<double>("epsilon")), mPostOps(request) {
    mAffine.factors.resize(mOrder.channels);
    mAffine.terms.resize(mOrder.channels);
    const auto constant = [&](std::size_t i) { return request.constants[i] ? request.constants[i]->data<float>().data() : nullptr; };
    mConstant = constant(1) && constant(2) && constant(3) && constant(4);
    if (mConstant) mAffine.set(constant(1), constant(2), constant(3), constant(4), mEpsilon);
  }

  void run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte*) override {
    const auto parameter = [&](std::size_t i) { return static_cast<const float*>(inputs[i]); };
    Affine computed;
    if (!mConstant) {
      computed = mAffine;
      computed.set(parameter(1), parameter(2), parameter(3), parameter(4), mEpsilon);
    }
    const Affine& affine = mConstant ? mAffine : computed;
    const auto* in = static_cast<const float*>(inputs[0]);
    auto* out = static_cast<float*>(outputs[0]);
    const auto loop = mOrder.inner == 1 ? vectorLoops().affineVector : vectorLoops().affineScalar;
    forBlocks(mOrder.total, kBlock, [&](std::size_t begin, std::size_t end) {
      mOrder.forRuns(begin, end, [&](std::size_t first, std::size_t last, std::size_t c) {
        loop(in + first, affine.factors.data() + c, affine.terms.data() + c, out + first, last - first);
      });
      mPostOps.apply(out + begin, end - begin);
    });
  }

  [[nodiscard]] std::string implementation() const override { return "loop_batchnorm"; }

 private:
  ChannelOrder mOrder;
  double mEpsilon;
  PostOpChain mPostOps;
  Affine mAffine;
  bool mConstant = false;
};

bool addBatchNormKernels() {
  KernelFactory factory;
  factory.layout = LayoutRule::SameAsInput;
  factory.inPlace = true;
  factory.canFuse = PostOpChain::canFuse;
  factory.create = [](const KernelRequest& request) { return std::make_unique<BatchNormKernel>(request); };
  for (const std::string type : {"BatchNorm1D", "BatchNorm2D", "BatchNorm3D"}) KernelRegistry::add("cpu", type, factory);
  return true;
}

[[maybe_unused]] const bool kBatchNormRegistered = addBatchNormKernels();

}  // namespace

}  // namespace Aidge::cpu
