#include "aidge/data/DataProvider.hpp"

#include <algorithm>
#include <cstring>

#include "aidge/core/Errors.hpp"

namespace Aidge {

namespace {

/// Rows [begin, begin + count) of `array` along axis 0, copied.
Tensor rows(const Tensor& array, std::size_t begin, std::size_t count) {
  Dims dims = array.dims();
  const std::size_t rowBytes = array.bytes() / static_cast<std::size_t>(dims[0]);
  dims[0] = static_cast<DimSize_t>(count);
  Tensor part(std::move(dims), array.dataType(), array.dataFormat());
  part.allocate();
  if (part.bytes() != 0)
    std::memcpy(part.rawMutableData(), static_cast<const std::byte*>(array.rawData()) + begin * rowBytes, count * rowBytes);
  return part;
}

}  // namespace

TensorDataProvider::TensorDataProvider(std::vector<Tensor> arrays, std::size_t batchSize, bool dropLast)
    : mArrays(std::move(arrays)), mBatchSize(batchSize), mDropLast(dropLast) {
  constexpr std::string_view kWhere = "data::TensorDataProvider";
  if (batchSize == 0) throwExpected(kWhere, "a batch size of at least 1", "0");
  if (mArrays.empty()) throwExpected(kWhere, "at least one array", "none");
  for (const Tensor& array : mArrays) {
    if (array.nbDims() == 0) throwExpected(kWhere, "arrays with samples on axis 0", "a scalar");
    if (array.dims()[0] != mArrays[0].dims()[0]) {
      throwExpected(kWhere, std::to_string(mArrays[0].dims()[0]) + " samples in every array", std::to_string(array.dims()[0]));
    }
  }
  mSamples = static_cast<std::size_t>(mArrays[0].dims()[0]);
}

std::optional<std::vector<Tensor>> TensorDataProvider::next() {
  const std::size_t count = std::min(mBatchSize, mSamples - mPosition);
  if (count == 0 || (mDropLast && count < mBatchSize)) return std::nullopt;
  std::vector<Tensor> batch;
  batch.reserve(mArrays.size());
  for (const Tensor& array : mArrays) batch.push_back(rows(array, mPosition, count));
  mPosition += count;
  return batch;
}

std::optional<std::size_t> TensorDataProvider::batchCount() const {
  return mDropLast ? mSamples / mBatchSize : (mSamples + mBatchSize - 1) / mBatchSize;
}

}  // namespace Aidge
