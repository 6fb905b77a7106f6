#pragma once

#include <cstddef>

#include "KernelSupport.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::cpu {

/// A tensor in memory as (outer, n, inner): the lines along one logical axis. Internal.
struct AxisLines {
  std::size_t outer = 1;
  std::size_t n = 1;
  std::size_t inner = 1;

  AxisLines(const KernelRequest& request, std::int64_t logicalAxis) {
    const TensorDesc& input = request.inputs[0];
    const std::size_t rank = input.dims.size();
    if (rank == 0) return;
    const DimIdx_t logical = normaliseAxis(errorSite(*request.op), logicalAxis, rank);
    const std::size_t axis = storedAxis(logical, rank, input.layout);
    const Dims dims = storedDims(input);
    for (std::size_t i = 0; i < rank; ++i) (i < axis ? outer : i == axis ? n : inner) *= static_cast<std::size_t>(dims[i]);
  }

  [[nodiscard]] std::size_t plane() const { return n * inner; }
  [[nodiscard]] std::size_t lines() const { return outer * inner; }
  /// Offset of a line's first element; its elements lie `inner` apart.
  [[nodiscard]] std::size_t offset(std::size_t line) const { return line / inner * plane() + line % inner; }

  /// Calls body(offset) for every line, on several threads where that pays. `body` must not throw.
  template <typename Body> void forEach(const Body& body) const {
    forBlocks(
        lines(), std::max<std::size_t>(1, kBlock / std::max<std::size_t>(n, 1)),
        [&](std::size_t begin, std::size_t end) {
          for (std::size_t line = begin; line < end; ++line) body(offset(line));
        },
        kParallelFrom / std::max<std::size_t>(n, 1));
  }
};

}  // namespace Aidge::cpu
