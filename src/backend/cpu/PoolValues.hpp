#pragma once

#include <span>

#include "aidge/core/Types.hpp"
#include "aidge/graph/Observer.hpp"

namespace Aidge::cpu {

/// One value an image and a channel: the maximum, mean or sum over the axes from 2 on. `dims`: logical (batch, channels, spatial …); with one axis
/// there is one channel. `out`: row-major (batch, channels). Sums are kept in double. NaN if the values hold NaN or infinity, or there are none
/// of which a maximum or mean could be taken. The result does not depend on the number of threads.
void poolValues(const float* in, std::span<const DimSize_t> dims, Layout layout, Pooling pooling, double* out);

}  // namespace Aidge::cpu
