#pragma once

#include <span>

#include "aidge/backend/Kernel.hpp"
#include "aidge/core/Types.hpp"
#include "aidge/graph/Observer.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge::cpu {

/// Whether signActivation can apply this operator to data of these dims: the types of ActivationFunction, and PReLU whose input 1 holds one
/// float32 value or one a channel.
[[nodiscard]] bool canSignActivate(const Operator& activation, std::span<const DimSize_t> dims);

/// Adds the sign balance of `in` to `accumulator` and writes activation(in) to `out` in the same pass over memory.
/// `dims`: logical (batch, channels, spatial …); below rank 2 there is one channel. `out` may be `in`; nullptr takes statistics only
/// (`activation` is then unused). `upper`: what lies above it counts as negative by the excess. An empty `accumulator.active` is
/// sized to the channels. The result does not depend on the number of threads; sums are within 1e-7 of the exact ones. NaN and infinity make the
/// sums non-finite. Throws std::invalid_argument for an activation that canSignActivate refuses or another channel count than before.
void signActivation(const float* in, float* out, std::span<const DimSize_t> dims, Layout layout, const Operator* activation, double upper,
                    SignAccumulator& accumulator);

/// The same statistics element by element in double, for float32 and float64. Slow; for tests and rare types. Throws std::invalid_argument
/// for other types.
void signSummary(const TensorView& values, double upper, SignAccumulator& accumulator);

}  // namespace Aidge::cpu
