#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/core/Half.hpp"

namespace Aidge {

using DimSize_t = std::int64_t;
using DimIdx_t = std::size_t;
using IOIndex_t = std::size_t;
/// Run-time relation of an attribute.
using Id = std::uint64_t;

/// Extent of every axis, outermost first; `kDynamicDim` where it is not known before run time.
using Dims = std::vector<DimSize_t>;
inline constexpr DimSize_t kDynamicDim = -1;

/// What a graph asks of its backend, by name; a backend says which names and values it knows.
using BackendOptions = std::map<std::string, std::string, std::less<>>;

enum class DataType : std::uint8_t { Float32, Float64, Float16, BFloat16, Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64, Bool };

/// A set of element types.
class AIDGE_EXPORT TypeSet {
 public:
  constexpr TypeSet(std::initializer_list<DataType> types) {
    for (const DataType type : types) mBits |= bit(type);
  }
  [[nodiscard]] constexpr bool contains(DataType type) const { return (mBits & bit(type)) != 0; }
  [[nodiscard]] constexpr TypeSet operator|(TypeSet other) const {
    other.mBits |= mBits;
    return other;
  }
  /// In the order of the enumeration.
  [[nodiscard]] std::vector<DataType> types() const;

 private:
  static constexpr std::uint32_t bit(DataType type) { return std::uint32_t{1} << static_cast<unsigned>(type); }
  std::uint32_t mBits = 0;
};

inline constexpr TypeSet kFloatTypes{DataType::Float32, DataType::Float64, DataType::Float16, DataType::BFloat16};
inline constexpr TypeSet kSignedTypes{DataType::Int8, DataType::Int16, DataType::Int32, DataType::Int64};
inline constexpr TypeSet kUnsignedTypes{DataType::UInt8, DataType::UInt16, DataType::UInt32, DataType::UInt64};
inline constexpr TypeSet kBoolType{DataType::Bool};
inline constexpr TypeSet kIndexTypes{DataType::Int32, DataType::Int64};
inline constexpr TypeSet kIntegerTypes = kSignedTypes | kUnsignedTypes;
inline constexpr TypeSet kNumericTypes = kFloatTypes | kIntegerTypes;
inline constexpr TypeSet kAllTypes = kNumericTypes | kBoolType;

/// Meaning of the axes of a tensor; data is always stored row-major over its dims.
enum class DataFormat : std::uint8_t { Default, NCHW, NHWC, NCDHW, NDHWC };

/// Bytes of one element.
[[nodiscard]] AIDGE_EXPORT std::size_t sizeOf(DataType type);
/// NumPy's name of the type ("float32", "int64", "bool" …).
[[nodiscard]] AIDGE_EXPORT std::string_view toString(DataType type);
/// The type of that name, if there is one.
[[nodiscard]] AIDGE_EXPORT std::optional<DataType> dataTypeOf(std::string_view name);
[[nodiscard]] AIDGE_EXPORT std::string_view toString(DataFormat format);
/// "[8, 3, 224, 224]"; a dynamic dimension prints as "?".
[[nodiscard]] AIDGE_EXPORT std::string toString(const Dims& dims);
/// Product of the dims (1 for a scalar). Throws std::invalid_argument on a dynamic dim or if the product overflows.
[[nodiscard]] AIDGE_EXPORT std::size_t elementCount(const Dims& dims);

/// The DataType that stands for the C++ type T.
template <typename T> struct DataTypeOf;
template <> struct DataTypeOf<float> { static constexpr DataType value = DataType::Float32; };
template <> struct DataTypeOf<double> { static constexpr DataType value = DataType::Float64; };
template <> struct DataTypeOf<std::int8_t> { static constexpr DataType value = DataType::Int8; };
template <> struct DataTypeOf<std::int16_t> { static constexpr DataType value = DataType::Int16; };
template <> struct DataTypeOf<std::int32_t> { static constexpr DataType value = DataType::Int32; };
template <> struct DataTypeOf<std::int64_t> { static constexpr DataType value = DataType::Int64; };
template <> struct DataTypeOf<std::uint8_t> { static constexpr DataType value = DataType::UInt8; };
template <> struct DataTypeOf<std::uint16_t> { static constexpr DataType value = DataType::UInt16; };
template <> struct DataTypeOf<std::uint32_t> { static constexpr DataType value = DataType::UInt32; };
template <> struct DataTypeOf<std::uint64_t> { static constexpr DataType value = DataType::UInt64; };
template <> struct DataTypeOf<Half> { static constexpr DataType value = DataType::Float16; };
template <> struct DataTypeOf<BFloat16> { static constexpr DataType value = DataType::BFloat16; };
template <> struct DataTypeOf<bool> { static constexpr DataType value = DataType::Bool; };

/// A C++ type that a Tensor can hold.
template <typename T> concept TensorElement = requires { DataTypeOf<T>::value; };

}  // namespace Aidge
