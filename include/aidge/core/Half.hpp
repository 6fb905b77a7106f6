#pragma once

#include <bit>
#include <cstdint>

namespace Aidge {

/// IEEE 754 half precision as it is stored; arithmetic is done in float. Conversion from float rounds to the nearest, ties to even.
class Half {
 public:
  Half() = default;
  explicit Half(float value) noexcept : mBits(encode(value)) {}
  operator float() const noexcept { return decode(mBits); }

 private:
  static std::uint16_t encode(float value) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000U);
    const std::uint32_t magnitude = bits & 0x7fffffffU;
    if (magnitude > 0x7f800000U) return static_cast<std::uint16_t>(sign | 0x7e00U);   // NaN
    if (magnitude >= 0x477ff000U) return static_cast<std::uint16_t>(sign | 0x7c00U);  // rounds to infinity
    if (magnitude < 0x38800000U) {  // subnormal: adding 0.5 leaves the rounded multiple of 2^-24 in the last bits
      const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
      return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3f000000U));
    }
    const std::uint32_t rounded = magnitude - 0x38000000U + 0xfffU + (magnitude >> 13 & 1U);
    return static_cast<std::uint16_t>(sign | rounded >> 13);
  }
  static float decode(std::uint16_t half) noexcept {
    const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16;
    const std::uint32_t magnitude = half & 0x7fffU;
    if (magnitude >= 0x7c00U) return std::bit_cast<float>(sign | 0x7f800000U | (magnitude & 0x3ffU) << 13);
    const float scaled = std::bit_cast<float>(magnitude << 13) * 0x1p112F;
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(scaled));
  }
  std::uint16_t mBits = 0;
};

/// The upper half of a float. Conversion from float rounds to the nearest, ties to even.
class BFloat16 {
 public:
  BFloat16() = default;
  explicit BFloat16(float value) noexcept : mBits(encode(value)) {}
  operator float() const noexcept { return std::bit_cast<float>(static_cast<std::uint32_t>(mBits) << 16); }

 private:
  static std::uint16_t encode(float value) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if ((bits & 0x7fffffffU) > 0x7f800000U) return static_cast<std::uint16_t>(bits >> 16 | 0x40U);  // NaN
    return static_cast<std::uint16_t>((bits + 0x7fffU + (bits >> 16 & 1U)) >> 16);
  }
  std::uint16_t mBits = 0;
};

}  // namespace Aidge
