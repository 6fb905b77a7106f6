#pragma once

#include <vector>

#include "Convolution.hpp"

namespace Aidge::cpu::onednn {

/// A convolution followed by an activation whose input's signs are counted (KernelRequest::counted), in place. Kernels of one tap go through
/// the pixels in pieces that are still in the second-level cache when they are counted.
class CountingConvolution final : public Kernel {
 public:
  CountingConvolution(const KernelRequest& request, bool transposed);

  void run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte* scratch) override;
  void runCounting(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte* scratch,
                   SignAccumulator& signs) override;
  [[nodiscard]] std::size_t scratchBytes() const override { return mInner.scratchBytes(); }
  [[nodiscard]] std::size_t packedBytes() const override { return mInner.packedBytes(); }
  [[nodiscard]] bool readsConstant(std::size_t index) const override { return mInner.readsConstant(index); }
  [[nodiscard]] std::string implementation() const override { return mInner.implementation(); }

 private:
  struct Pieces {
    KernelRequest request;  ///< for one of them
    std::size_t count = 1;
  };
  static Pieces piecesOf(const KernelRequest& request, bool transposed);
  CountingConvolution(const KernelRequest& request, Pieces pieces, bool transposed);

  CountedActivation mCounted;
  std::size_t mPieces;
  TensorDesc mOutput;                    ///< of one piece
  std::vector<std::size_t> mInputBytes;  ///< from one piece to the next, 0 for weights
  ConvolutionKernel mInner;
};

}  // namespace Aidge::cpu::onednn
