#pragma once

#include <vector>

#include "ConvolutionChoice.hpp"

namespace Aidge::cpu::onednn {

/// Kernels of a 3x3 convolution of stride 1 by Winograd's minimal filtering, the fastest one first as a rule: none where that is impossible or
/// not wanted (convolution accuracy). `all`: also those that the rule takes to be slower than the direct one. They refer to `request`.
[[nodiscard]] std::vector<KernelMaker> winogradKernels(const KernelRequest& request, bool all);

}  // namespace Aidge::cpu::onednn
