#pragma once

#include <optional>

#include "Engine.hpp"

namespace Aidge::cpu::onednn {

/// A (batched) matrix product: y = alpha a b + addend.
struct Product {
  dnnl::memory::desc a;
  dnnl::memory::desc b;  ///< as it is stored
  dnnl::memory::desc y;
  float alpha = 1.0F;
  std::optional<std::size_t> bias{};    ///< input that is one value a column and added by the primitive
  std::optional<std::size_t> addend{};  ///< input that is broadcast into the result beforehand
  float beta = 1.0F;
};

/// A matrix that is stored row by row, or column by column.
[[nodiscard]] dnnl::memory::desc matrix(DimSize_t rows, DimSize_t columns, bool transposed);
/// Post-ops without additions: for products whose result may be seen under other dims, or that need the addition themselves.
[[nodiscard]] bool canFuseButSums(const KernelRequest& request, const PostOp& postOp);
/// A kernel that computes the product which `productOf` reads from a request.
[[nodiscard]] KernelFactory productFactory(Product (*productOf)(const KernelRequest&), bool (*fuses)(const KernelRequest&, const PostOp&));

}  // namespace Aidge::cpu::onednn
