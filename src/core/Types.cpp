#include "aidge/core/Types.hpp"

#include <limits>
#include <stdexcept>

#include "aidge/core/Errors.hpp"

namespace Aidge {

std::size_t sizeOf(DataType type) {
  switch (type) {
    case DataType::Float64:
    case DataType::Int64:
    case DataType::UInt64:
      return 8;
    case DataType::Float32:
    case DataType::Int32:
    case DataType::UInt32:
      return 4;
    case DataType::Float16:
    case DataType::BFloat16:
    case DataType::Int16:
    case DataType::UInt16:
      return 2;
    case DataType::Int8:
    case DataType::UInt8:
    case DataType::Bool:
      return 1;
  }
  throw std::logic_error("[core::sizeOf] unknown data type");
}

std::string_view toString(DataType type) {
  switch (type) {
    case DataType::Float32:
      return "float32";
    case DataType::Float64:
      return "float64";
    case DataType::Float16:
      return "float16";
    case DataType::BFloat16:
      return "bfloat16";
    case DataType::Int8:
      return "int8";
    case DataType::Int16:
      return "int16";
    case DataType::Int32:
      return "int32";
    case DataType::Int64:
      return "int64";
    case DataType::UInt8:
      return "uint8";
    case DataType::UInt16:
      return "uint16";
    case DataType::UInt32:
      return "uint32";
    case DataType::UInt64:
      return "uint64";
    case DataType::Bool:
      return "bool";
  }
  throw std::logic_error("[core::toString] unknown data type");
}

std::optional<DataType> dataTypeOf(std::string_view name) {
  for (const DataType type : kAllTypes.types()) {
    if (toString(type) == name) return type;
  }
  return std::nullopt;
}

std::vector<DataType> TypeSet::types() const {
  std::vector<DataType> result;
  for (auto code = std::uint8_t{0}; code <= static_cast<std::uint8_t>(DataType::Bool); ++code) {
    if (contains(static_cast<DataType>(code))) result.push_back(static_cast<DataType>(code));
  }
  return result;
}

std::string_view toString(DataFormat format) {
  switch (format) {
    case DataFormat::Default:
      return "default";
    case DataFormat::NCHW:
      return "nchw";
    case DataFormat::NHWC:
      return "nhwc";
    case DataFormat::NCDHW:
      return "ncdhw";
    case DataFormat::NDHWC:
      return "ndhwc";
  }
  throw std::logic_error("[core::toString] unknown data format");
}

std::string toString(const Dims& dims) {
  std::string text = "[";
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (i != 0) text += ", ";
    text += dims[i] == kDynamicDim ? std::string("?") : std::to_string(dims[i]);
  }
  return text + "]";
}

std::size_t elementCount(const Dims& dims) {
  // Bounded so that a byte count (at most 8 times as much) still fits a signed 64-bit integer.
  constexpr std::uint64_t kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / 16;
  std::uint64_t count = 1;
  bool empty = false;
  for (const DimSize_t dim : dims) {
    if (dim < 0) throwExpected("core::elementCount", "dims without dynamic or negative entries", toString(dims));
    if (dim == 0) {
      empty = true;
      continue;
    }
    if (count > kMost / static_cast<std::uint64_t>(dim))
      throwExpected("core::elementCount", "a product of dims that fits memory", toString(dims));
    count *= static_cast<std::uint64_t>(dim);
  }
  return empty ? 0 : static_cast<std::size_t>(count);
}

}  // namespace Aidge
