#pragma once

#include <memory>

#include "aidge/backend/Kernel.hpp"

namespace Aidge::cpu {

/// A kernel for float16 or bfloat16 tensors that does the work in float32: `create` makes the kernel for the same request with float32 in their place.
/// Its post-ops must not add other tensors. Internal.
[[nodiscard]] std::unique_ptr<Kernel> createInFloat(const KernelRequest& request,
                                                    const std::function<std::unique_ptr<Kernel>(const KernelRequest&)>& create);

/// create.operator()<T>(request) with T = double for float64 data, else float (half-precision tensors are converted around the kernel).
template <typename Create> [[nodiscard]] std::unique_ptr<Kernel> createForReals(const KernelRequest& request, const Create& create) {
  const DataType type = request.inputs[0].dtype;
  if (type == DataType::Float64) return create.template operator()<double>(request);
  if (type == DataType::Float32) return create.template operator()<float>(request);
  return createInFloat(request, [&](const KernelRequest& own) { return create.template operator()<float>(own); });
}

}  // namespace Aidge::cpu
