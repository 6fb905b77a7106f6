#pragma once

#include "aidge/core/Export.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge {

/// What the loaded kernels contribute to shape inference: values that follow from constants and dims are computed by the first backend that has a kernel of
/// the type, and generic operators are inferred by the provider of generic kernels, if there is one.
[[nodiscard]] AIDGE_EXPORT const Inference& kernelInference();

}  // namespace Aidge
