#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "aidge/backend/Kernel.hpp"

namespace Aidge::cpu::onednn {

/// Makes one of the kernels that can run a request.
using KernelMaker = std::function<std::unique_ptr<Kernel>()>;

/// The fastest of them, found by running each on made-up data in turn; the choice is remembered for requests of the same shapes, attributes,
/// post-ops and number of threads as long as the process lives. `makers` must not be empty. Thread-safe.
[[nodiscard]] std::unique_ptr<Kernel> fastestKernel(const KernelRequest& request, const std::vector<KernelMaker>& makers);

}  // namespace Aidge::cpu::onednn
