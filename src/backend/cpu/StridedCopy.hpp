#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "KernelSupport.hpp"

/// Data movement by affine index maps: what Transpose, Slice, Split, Expand, Tile, DepthToSpace and their like have in common. Internal.
namespace Aidge::cpu {

/// out[i0, i1 …] = in[offset + i0 * step0 + i1 * step1 …], where `out` is row-major. Steps are in elements and may be 0 (repetition) or negative
/// (reversal). Axes of extent 1 are left out, and those that stay together are joined.
struct IndexMap {
  std::vector<std::size_t> extents;
  std::vector<std::ptrdiff_t> steps;
  std::ptrdiff_t offset = 0;
  std::size_t total = 1;

  /// The next axis, outermost first.
  void append(DimSize_t extent, std::ptrdiff_t step);
};

/// Elements between neighbours along every logical axis.
[[nodiscard]] std::vector<std::ptrdiff_t> elementSteps(const TensorDesc& desc);
/// Logical axes in memory order, outermost first.
[[nodiscard]] std::vector<std::size_t> axesInMemory(std::size_t rank, Layout layout);

/// Copies elements of `elementBytes` (1, 2, 4 or 8) bytes.
void stridedCopy(const IndexMap& map, std::size_t elementBytes, const void* in, void* out);

/// A kernel that fills output i from input 0 by maps[i].
[[nodiscard]] std::unique_ptr<Kernel> createStridedCopy(std::string implementation, std::vector<IndexMap> maps, DataType type);

}  // namespace Aidge::cpu
