#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "Activation.hpp"
#include "aidge/backend/Kernel.hpp"

namespace Aidge::cpu {

/// Activations and gates that a kernel of this folder applies to a block of its float32 result while that is in the cache. Internal.
class PostOpChain {
 public:
  explicit PostOpChain(const KernelRequest& request);
  /// KernelFactory::canFuse of every kernel that ends with apply.
  [[nodiscard]] static bool canFuse(const KernelRequest& request, const PostOp& postOp);

  void apply(float* values, std::size_t n) const;

 private:
  std::vector<std::pair<PostOp::Kind, ActivationFunction>> mFunctions;
};

}  // namespace Aidge::cpu
