#pragma once

#include <memory>

#include "aidge/backend/Kernel.hpp"

namespace Aidge::cpu::onednn {

/// A 3x3 convolution of stride 1 by Winograd's minimal filtering, or nullptr where that is impossible, not wanted (convolutionAccuracy) or
/// not faster than the direct one.
[[nodiscard]] std::unique_ptr<Kernel> createWinograd(const KernelRequest& request);

}  // namespace Aidge::cpu::onednn
