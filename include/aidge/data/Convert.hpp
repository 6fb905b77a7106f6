#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <type_traits>

#include "aidge/core/Export.hpp"
#include "aidge/core/Types.hpp"

namespace Aidge {

/// Calls f.operator()<T>() for the C++ type T that stands for `type`.
template <typename F> decltype(auto) withType(DataType type, F&& f) {
  switch (type) {
    case DataType::Float32:
      return f.template operator()<float>();
    case DataType::Float64:
      return f.template operator()<double>();
    case DataType::Float16:
      return f.template operator()<Half>();
    case DataType::BFloat16:
      return f.template operator()<BFloat16>();
    case DataType::Int8:
      return f.template operator()<std::int8_t>();
    case DataType::Int16:
      return f.template operator()<std::int16_t>();
    case DataType::Int32:
      return f.template operator()<std::int32_t>();
    case DataType::Int64:
      return f.template operator()<std::int64_t>();
    case DataType::UInt8:
      return f.template operator()<std::uint8_t>();
    case DataType::UInt16:
      return f.template operator()<std::uint16_t>();
    case DataType::UInt32:
      return f.template operator()<std::uint32_t>();
    case DataType::UInt64:
      return f.template operator()<std::uint64_t>();
    case DataType::Bool:
      return f.template operator()<bool>();
  }
  throw std::logic_error("[core::withType] unknown data type");
}

template <typename T> inline constexpr bool kIsHalf = std::same_as<T, Half> || std::same_as<T, BFloat16>;
/// The type in which values of type T are computed with.
template <typename T> using ComputeType = std::conditional_t<kIsHalf<T>, float, T>;

namespace detail {

/// Truncated towards zero; NaN and what Wide cannot hold become its lowest value, as on x86.
template <std::integral Wide> [[nodiscard]] inline Wide truncated(double value) {
  constexpr double kLimit = -static_cast<double>(std::numeric_limits<Wide>::lowest());
  return value > -kLimit - 1.0 && value < kLimit ? static_cast<Wide>(value) : std::numeric_limits<Wide>::lowest();
}

}  // namespace detail

/// A number in another type. Integers wrap round; floating point numbers are truncated towards zero, and those beyond the integer type give what
/// they give in NumPy and ONNX Runtime on x86; bool is whether the value is not 0.
template <TensorElement To, TensorElement From> [[nodiscard]] inline To convertTo(From value) {
  if constexpr (std::same_as<To, From>) {
    return value;
  } else if constexpr (std::same_as<To, bool>) {
    return static_cast<ComputeType<From>>(value) != ComputeType<From>{0};
  } else if constexpr (std::integral<To> && !std::integral<From>) {
    const double wide = static_cast<double>(static_cast<ComputeType<From>>(value));
    if constexpr (std::same_as<To, std::uint64_t>) {
      if (wide >= 0x1p63 && wide < 0x1p64) return static_cast<To>(wide);
    }
    using Wide = std::conditional_t<(sizeof(To) < 4 || std::same_as<To, std::int32_t>), std::int32_t, std::int64_t>;
    return static_cast<To>(detail::truncated<Wide>(wide));
  } else {
    return static_cast<To>(static_cast<ComputeType<To>>(static_cast<ComputeType<From>>(value)));
  }
}

/// Converts n elements; `in` and `out` must not overlap unless they are the same and the types are of one size.
AIDGE_EXPORT void convertElements(const void* in, DataType from, void* out, DataType to, std::size_t n);

}  // namespace Aidge
