#include "Indices.hpp"

#include <string>

#include "aidge/core/Errors.hpp"

namespace Aidge::cpu {

namespace {

std::int64_t indexAt(const void* data, DataType type, std::size_t i) {
  return type == DataType::Int32 ? static_cast<const std::int32_t*>(data)[i] : static_cast<const std::int64_t*>(data)[i];
}

std::ptrdiff_t checked(std::string_view site, std::int64_t index, DimSize_t extent) {
  if (index < -extent || index >= extent) {
    throwExpected(site, "indices in [" + std::to_string(-extent) + ", " + std::to_string(extent) + ")", std::to_string(index));
  }
  return index < 0 ? index + extent : index;
}

}  // namespace

std::vector<std::ptrdiff_t> readIndices(std::string_view site, const void* data, DataType type, std::size_t count, DimSize_t extent) {
  std::vector<std::ptrdiff_t> indices(count);
  for (std::size_t i = 0; i < count; ++i) indices[i] = checked(site, indexAt(data, type, i), extent);
  return indices;
}

std::vector<std::ptrdiff_t> readTuples(std::string_view site, const void* data, DataType type, std::size_t count, const Dims& extents,
                                       const std::vector<std::ptrdiff_t>& steps) {
  std::vector<std::ptrdiff_t> offsets(count, 0);
  const std::size_t length = extents.size();
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = 0; j < length; ++j) offsets[i] += checked(site, indexAt(data, type, i * length + j), extents[j]) * steps[j];
  }
  return offsets;
}

}  // namespace Aidge::cpu
