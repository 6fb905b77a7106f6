#pragma once

#include <memory>
#include <optional>

#include "Engine.hpp"

namespace Aidge::cpu::onednn {

/// A convolution, or a transposed one, as one oneDNN primitive, with reorders around it where its memory orders are not the request's.
class ConvolutionKernel final : public Kernel {
 public:
  ConvolutionKernel(const KernelRequest& request, bool transposed);

  void run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte* scratch) override;
  [[nodiscard]] std::size_t scratchBytes() const override { return mSourceBytes + mTargetBytes + mWeightBytes + mPadBytes; }
  [[nodiscard]] std::size_t packedBytes() const override;
  [[nodiscard]] bool readsConstant(std::size_t index) const override { return index == 0 || index > 2 || !mConstant[index]; }
  [[nodiscard]] std::string implementation() const override { return mImplementation; }

 private:
  /// The memory orders of one way to run it.
  struct Choice {
    dnnl::memory::desc source;
    dnnl::memory::desc weight;
    dnnl::memory::desc target;
    dnnl::memory::desc scratchpad;
    dnnl::primitive primitive;
    std::string implementation;

    [[nodiscard]] bool isReference() const { return implementation.starts_with("ref"); }
  };

  [[nodiscard]] Choice choose(const KernelRequest& request, bool transposed) const;
  void bindArguments(const KernelRequest& request, const Choice& choice);
  void bindWeight(const KernelRequest& request, const Choice& choice, bool transposed);

  Call mCall;
  std::optional<Call> mBefore;      ///< reorders the data
  std::optional<Call> mAfter;       ///< reorders the result
  std::optional<Call> mPackWeight;  ///< packs a weight that is not constant, at every run
  dnnl::memory mWeight;             ///< packed, if it is constant
  dnnl::memory mBias;
  std::vector<std::pair<int, std::size_t>> mAdded;  ///< arguments of binary post-ops and the inputs they take
  bool mConstant[3] = {false, false, false};
  bool mHasBias = false;
  std::size_t mSourceBytes = 0;
  std::size_t mTargetBytes = 0;
  std::size_t mWeightBytes = 0;  ///< of a weight that is packed at every run
  std::size_t mPadBytes = 0;
  std::string mImplementation;
};

/// Of convolutions, or of transposed ones.
[[nodiscard]] KernelFactory convolutionFactory(bool transposed);

}  // namespace Aidge::cpu::onednn
