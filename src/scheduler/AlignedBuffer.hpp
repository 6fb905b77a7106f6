#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace Aidge::plan {

/// Uninitialised memory aligned to a cache line (and to the widest vector registers).
class AlignedBuffer {
 public:
  static constexpr std::size_t kAlignment = 64;

  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t bytes)
      : mData(bytes == 0 ? nullptr : static_cast<std::byte*>(::operator new(bytes, std::align_val_t{kAlignment}))), mBytes(bytes) {}

  [[nodiscard]] std::byte* data() const noexcept { return mData.get(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return mBytes; }

 private:
  struct Free {
    void operator()(std::byte* data) const noexcept { ::operator delete(data, std::align_val_t{kAlignment}); }
  };
  std::unique_ptr<std::byte, Free> mData;
  std::size_t mBytes = 0;
};

}  // namespace Aidge::plan
