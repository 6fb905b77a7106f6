#include "aidge/data/Tensor.hpp"

#include <atomic>
#include <cmath>
#include <cstring>
#include <new>
#include <stdexcept>

#include "aidge/core/Errors.hpp"
#include "aidge/data/Convert.hpp"

namespace Aidge {

struct Tensor::Storage {
  void* data = nullptr;
  std::shared_ptr<const void> owner;
  bool external = false;
  bool writable = true;
  std::atomic<std::uint64_t> revision{0};
};

namespace {

constexpr std::size_t kAlignment = 64;

std::shared_ptr<void> allocateAligned(std::size_t bytes) {
  void* memory = ::operator new(bytes == 0 ? kAlignment : bytes, std::align_val_t{kAlignment});
  return {memory, [](void* p) { ::operator delete(p, std::align_val_t{kAlignment}); }};
}

template <TensorElement To> std::vector<To> convertAll(const Tensor& tensor) {
  std::vector<To> values(tensor.size());
  convertElements(tensor.rawData(), tensor.dataType(), values.data(), DataTypeOf<To>::value, values.size());
  return values;
}

}  // namespace

Tensor::Tensor(Dims dims, DataType dtype, DataFormat dformat)
    : mDims(std::move(dims)), mDataType(dtype), mDataFormat(dformat), mUndefined(false) {
  for (const DimSize_t dim : mDims) {
    if (dim < kDynamicDim) throwExpected("data::Tensor", "non-negative dims", Aidge::toString(mDims));
  }
}

Tensor Tensor::fromExternal(void* data, Dims dims, DataType dtype, std::shared_ptr<const void> owner, bool writable) {
  Tensor tensor(std::move(dims), dtype);
  if (data == nullptr && tensor.size() != 0) throwExpected("data::Tensor", "memory", "a null pointer");
  tensor.mStorage = std::make_shared<Storage>();
  tensor.mStorage->data = data;
  tensor.mStorage->owner = std::move(owner);
  tensor.mStorage->external = true;
  tensor.mStorage->writable = writable;
  return tensor;
}

Tensor Tensor::full(Dims dims, double value, DataType dtype) {
  Tensor tensor(std::move(dims), dtype);
  tensor.allocate();
  withType(dtype, [&]<typename T>() {
    for (T& element : tensor.mutableData<T>()) element = convertTo<T>(value);
  });
  return tensor;
}

bool Tensor::isWritable() const noexcept { return mStorage && mStorage->writable; }
bool Tensor::isExternal() const noexcept { return mStorage && mStorage->external; }
std::uint64_t Tensor::revision() const noexcept { return mStorage ? mStorage->revision.load(std::memory_order_relaxed) : 0; }

void Tensor::allocate() {
  if (mStorage) return;
  auto storage = std::make_shared<Storage>();
  auto memory = allocateAligned(bytes());
  storage->data = memory.get();
  storage->owner = std::move(memory);
  mStorage = std::move(storage);
  mUndefined = false;
}

const void* Tensor::rawData() const {
  if (!mStorage)
    throwExpected("data::Tensor", "a tensor with data", "dims " + Aidge::toString(mDims) + " without data (not computed, or not kept)");
  return mStorage->data;
}

void* Tensor::rawMutableData() {
  if (!mStorage) throwExpected("data::Tensor", "a tensor with data", "dims " + Aidge::toString(mDims) + " without data");
  if (!mStorage->writable) throwExpected("data::Tensor", "writable memory", "a read-only tensor");
  mStorage->revision.fetch_add(1, std::memory_order_relaxed);
  return mStorage->data;
}

Tensor Tensor::clone() const {
  Tensor copy(mDims, mDataType, mDataFormat);
  copy.mUndefined = mUndefined;
  if (!mStorage) return copy;
  copy.allocate();
  if (bytes() != 0) std::memcpy(copy.mStorage->data, mStorage->data, bytes());
  return copy;
}

Tensor Tensor::reshaped(Dims dims) const {
  if (elementCount(dims) != size()) throwExpected("data::reshaped", std::to_string(size()) + " elements", Aidge::toString(dims));
  Tensor view = *this;
  view.mDims = std::move(dims);
  view.mDataFormat = DataFormat::Default;
  return view;
}

Tensor Tensor::cast(DataType dtype) const {
  if (dtype == mDataType) return *this;
  Tensor result(mDims, dtype, mDataFormat);
  result.allocate();
  convertElements(rawData(), mDataType, result.rawMutableData(), dtype, size());
  return result;
}

void Tensor::copyFrom(const Tensor& other) {
  if (other.mDims != mDims || other.mDataType != mDataType) {
    throwExpected("data::copyFrom", std::string(Aidge::toString(mDataType)) + " " + Aidge::toString(mDims),
                  std::string(Aidge::toString(other.mDataType)) + " " + Aidge::toString(other.mDims));
  }
  const void* source = other.rawData();
  allocate();
  if (bytes() != 0) std::memmove(rawMutableData(), source, bytes());
}

std::vector<double> Tensor::toDoubles() const { return convertAll<double>(*this); }
std::vector<std::int64_t> Tensor::toInts() const { return convertAll<std::int64_t>(*this); }

std::string Tensor::toString() const {
  constexpr std::size_t kShown = 8;
  std::string text = "Tensor(dims=" + Aidge::toString(mDims) + ", dtype=" + std::string(Aidge::toString(mDataType));
  if (!mStorage) return text + ", no data)";
  text += ", data=[";
  withType(mDataType, [&]<typename T>() {
    const auto values = data<T>();
    for (std::size_t i = 0; i < values.size() && i < kShown; ++i) {
      if (i != 0) text += ", ";
      const std::string number = std::to_string(static_cast<ComputeType<T>>(values[i]));
      text += number;
    }
    if (values.size() > kShown) text += ", …";
  });
  return text + "])";
}

namespace detail {

void checkElementType(const Tensor& tensor, DataType requested) {
  if (tensor.dataType() != requested)
    throwExpected("data::Tensor::data", std::string(toString(requested)), "a " + std::string(toString(tensor.dataType())) + " tensor");
}

Tensor tensorFromBytes(Dims dims, DataType dtype, const void* source, std::size_t elements) {
  Tensor tensor(std::move(dims), dtype);
  if (tensor.size() != elements) {
    throwExpected("data::fromValues", std::to_string(tensor.size()) + " values for dims " + toString(tensor.dims()),
                  std::to_string(elements));
  }
  tensor.allocate();
  if (elements != 0) std::memcpy(tensor.rawMutableData(), source, tensor.bytes());
  return tensor;
}

}  // namespace detail

}  // namespace Aidge
