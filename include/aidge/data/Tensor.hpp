#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/core/Types.hpp"

namespace Aidge {

/// Dense row-major array in host memory. Copying a Tensor shares its data (like a NumPy view); `clone` copies it.
/// A tensor may have dims and a type but no data yet (`hasData() == false`), as outputs have between forwardDims and forward.
class AIDGE_EXPORT Tensor {
 public:
  /// An empty tensor: no dims, no data, float32, `isUndefined()`.
  Tensor() = default;
  /// Dims and type without data.
  explicit Tensor(Dims dims, DataType dtype = DataType::Float32, DataFormat dformat = DataFormat::Default);
  /// Wraps foreign memory of elementCount(dims) elements without copying; `owner` keeps it alive.
  static Tensor fromExternal(void* data, Dims dims, DataType dtype, std::shared_ptr<const void> owner, bool writable);
  /// Copies `values`, row-major. Throws std::invalid_argument unless values.size() equals the product of dims.
  template <TensorElement T> static Tensor fromValues(Dims dims, std::span<const T> values);
  template <TensorElement T> static Tensor fromValues(Dims dims, std::initializer_list<T> values) {
    return fromValues<T>(std::move(dims), std::span<const T>(values.begin(), values.size()));
  }
  /// All elements set to `value` (converted to `dtype`).
  static Tensor full(Dims dims, double value, DataType dtype = DataType::Float32);

  [[nodiscard]] const Dims& dims() const noexcept { return mDims; }
  [[nodiscard]] std::size_t nbDims() const noexcept { return mDims.size(); }
  [[nodiscard]] std::size_t size() const { return elementCount(mDims); }
  [[nodiscard]] std::size_t bytes() const { return size() * sizeOf(mDataType); }
  [[nodiscard]] DataType dataType() const noexcept { return mDataType; }
  [[nodiscard]] DataFormat dataFormat() const noexcept { return mDataFormat; }
  void setDataFormat(DataFormat format) noexcept { mDataFormat = format; }
  [[nodiscard]] bool isUndefined() const noexcept { return mUndefined; }
  [[nodiscard]] bool hasData() const noexcept { return mStorage != nullptr; }
  /// True if the memory may be written through `mutableData` (numpy arrays can be read-only).
  [[nodiscard]] bool isWritable() const noexcept;
  /// True if the memory came from outside (fromExternal) and others may write to it.
  [[nodiscard]] bool isExternal() const noexcept;
  /// Grows with every write through this interface on the shared data; plans compare it to notice changed weights.
  [[nodiscard]] std::uint64_t revision() const noexcept;

  /// Gives the tensor uninitialised memory of its own if it has none.
  void allocate();
  /// Forgets the data, keeps dims and type.
  void release() noexcept { mStorage.reset(); }
  [[nodiscard]] const void* rawData() const;
  /// Writable memory; counts as a write. Throws std::logic_error if there is no data or it is read-only.
  [[nodiscard]] void* rawMutableData();
  /// Elements, row-major. Throws std::invalid_argument, naming both types, if T is not the tensor's type.
  template <TensorElement T> [[nodiscard]] std::span<const T> data() const;
  template <TensorElement T> [[nodiscard]] std::span<T> mutableData();

  /// Deep copy with memory of its own.
  [[nodiscard]] Tensor clone() const;
  /// Same data under other dims; throws std::invalid_argument unless the element counts agree.
  [[nodiscard]] Tensor reshaped(Dims dims) const;
  /// Converted copy (shares the data if the type is already right).
  [[nodiscard]] Tensor cast(DataType dtype) const;
  /// Copies values (same dims and type) into this tensor's memory; all sharers see them and the revision grows.
  void copyFrom(const Tensor& other);
  /// All elements as double / as int64, whatever the type (for shapes, axes and tests).
  [[nodiscard]] std::vector<double> toDoubles() const;
  [[nodiscard]] std::vector<std::int64_t> toInts() const;
  /// Type, dims and the first values, for repr.
  [[nodiscard]] std::string toString() const;

 private:
  struct Storage;
  Dims mDims;
  DataType mDataType = DataType::Float32;
  DataFormat mDataFormat = DataFormat::Default;
  bool mUndefined = true;
  std::shared_ptr<Storage> mStorage;
};

using TensorPtr = std::shared_ptr<Tensor>;

namespace detail {
AIDGE_EXPORT void checkElementType(const Tensor& tensor, DataType requested);
AIDGE_EXPORT Tensor tensorFromBytes(Dims dims, DataType dtype, const void* source, std::size_t elements);
}  // namespace detail

template <TensorElement T> Tensor Tensor::fromValues(Dims dims, std::span<const T> values) {
  return detail::tensorFromBytes(std::move(dims), DataTypeOf<T>::value, values.data(), values.size());
}

template <TensorElement T> std::span<const T> Tensor::data() const {
  detail::checkElementType(*this, DataTypeOf<T>::value);
  return {static_cast<const T*>(rawData()), size()};
}

template <TensorElement T> std::span<T> Tensor::mutableData() {
  detail::checkElementType(*this, DataTypeOf<T>::value);
  return {static_cast<T*>(rawMutableData()), size()};
}

}  // namespace Aidge
