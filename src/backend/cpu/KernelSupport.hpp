#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aidge/backend/Kernel.hpp"
#include "aidge/data/Convert.hpp"

/// What the kernels of this folder share. Internal.
namespace Aidge::cpu {

/// Floats that a kernel works on at a time: input and output of a block stay in the second-level cache, most of it in the first-level one.
inline constexpr std::size_t kBlock = 4096;
/// Elements from which a second thread pays.
inline constexpr std::size_t kParallelFrom = 32768;

/// Calls body(begin, end) for consecutive blocks of [0, total), on several threads from `parallelFrom` elements on. The partition does not depend
/// on the number of threads. `body` must not throw.
template <typename Body>
void forBlocks(std::size_t total, std::size_t block, const Body& body, std::size_t parallelFrom = kParallelFrom) {
  const auto blocks = static_cast<std::ptrdiff_t>((total + block - 1) / block);
#pragma omp parallel for schedule(static) if (blocks > 1 && total >= parallelFrom)
  for (std::ptrdiff_t i = 0; i < blocks; ++i) {
    const std::size_t begin = static_cast<std::size_t>(i) * block;
    body(begin, std::min(total, begin + block));
  }
}

/// Where the channels (axis 1) of a tensor lie in memory: element i belongs to channel (i / inner) % channels.
struct ChannelOrder {
  std::size_t channels = 1;
  std::size_t inner = 1;
  std::size_t total = 0;

  ChannelOrder(std::span<const DimSize_t> dims, Layout layout) {
    total = 1;
    for (const DimSize_t extent : dims) total *= static_cast<std::size_t>(extent);
    if (dims.size() >= 2) channels = static_cast<std::size_t>(dims[1]);
    if (dims.size() < 2) inner = std::max<std::size_t>(total, 1);
    if (layout == Layout::Plain) {
      for (std::size_t axis = 2; axis < dims.size(); ++axis) inner *= static_cast<std::size_t>(dims[axis]);
    }
  }

  /// Calls body(begin, end, channel) for the longest runs within [begin, end) that belong to one channel (inner > 1) or to consecutive ones from
  /// `channel` on (inner == 1).
  template <typename Body> void forRuns(std::size_t begin, std::size_t end, const Body& body) const {
    const std::size_t run = inner == 1 ? channels : inner;
    while (begin < end) {
      const std::size_t stop = std::min(end, (begin / run + 1) * run);
      body(begin, stop, inner == 1 ? begin % channels : begin / inner % channels);
      begin = stop;
    }
  }
};

/// A kernel whose work is one function.
class FunctionKernel final : public Kernel {
 public:
  using Inputs = std::span<const void* const>;
  using Outputs = std::span<void* const>;
  using Function = std::function<void(Inputs, Outputs, std::byte*)>;

  FunctionKernel(std::string implementation, Function function, std::size_t scratchBytes = 0)
      : mImplementation(std::move(implementation)), mFunction(std::move(function)), mScratchBytes(scratchBytes) {}
  void run(Inputs inputs, Outputs outputs, std::byte* scratch) override { mFunction(inputs, outputs, scratch); }
  [[nodiscard]] std::size_t scratchBytes() const override { return mScratchBytes; }
  [[nodiscard]] std::string implementation() const override { return mImplementation; }

 private:
  std::string mImplementation;
  Function mFunction;
  std::size_t mScratchBytes;
};

/// "" if every input that is there has one of `types`, else the reason in words.
[[nodiscard]] std::string refuseOtherTypes(std::span<const TensorInfo> inputs, std::initializer_list<DataType> types);

/// Extents in memory order: as they are, or with axis 1 moved to the end.
[[nodiscard]] Dims storedDims(const TensorDesc& desc);
/// Where a logical axis stands in memory order.
[[nodiscard]] std::size_t storedAxis(std::size_t axis, std::size_t rank, Layout layout);

/// make(T{}) with the unsigned type T of this many bytes, for kernels that only move data.
template <typename Make> auto forElementBytes(std::size_t bytes, const Make& make) {
  switch (bytes) {
    case 1:
      return make(std::uint8_t{});
    case 2:
      return make(std::uint16_t{});
    case 4:
      return make(std::uint32_t{});
    default:
      return make(std::uint64_t{});
  }
}

/// The same for the elements of a type.
template <typename Make> auto forElementSize(DataType type, const Make& make) { return forElementBytes(sizeOf(type), make); }

/// make(T{}) with the C++ type of the elements; bool counts as an integer.
template <typename Make> auto forNumber(DataType type, const Make& make) {
  return withType(type, [&]<typename T>() {
    if constexpr (std::same_as<T, bool>) {
      return make(std::uint8_t{});
    } else {
      return make(T{});
    }
  });
}

/// A kernel that copies its input as it lies in memory.
[[nodiscard]] std::unique_ptr<Kernel> createCopy(const KernelRequest& request);

}  // namespace Aidge::cpu
