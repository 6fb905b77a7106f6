#pragma once

#include <cstdint>
#include <string>

#include "aidge/operator/Operator.hpp"

namespace Aidge {

// Operators whose results depend on the order along an axis.

/// The k largest (or smallest) values along an axis and their indices, int64 (type "TopK", outputs values and indices), sorted from the best on; of equal
/// values the lower index comes first. Optional input 1: k, known before run time.
[[nodiscard]] NodePtr TopK(std::int64_t k, std::int64_t axis = -1, bool largest = true, const std::string& name = "");
/// For each index i of the batch axis the first lengths[i] (input 1, int64) elements of the time axis in reverse order (type "ReverseSequence").
[[nodiscard]] NodePtr ReverseSequence(std::int64_t batchAxis = 1, std::int64_t timeAxis = 0, const std::string& name = "");

}  // namespace Aidge
