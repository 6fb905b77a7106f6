#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/graph/MakeNode.hpp"

namespace Aidge {

// Tensors whose values follow from their places. Where a shape is an attribute it may also come from an extra input, whose value must be known before run
// time.

/// A tensor of the dims `shape` filled with the one element of `value`, and of its type (type "ConstantOfShape"). Optional input 0: shape.
[[nodiscard]] AIDGE_EXPORT NodePtr ConstantOfShape(const std::vector<std::int64_t>& shape, Tensor value = Tensor::full({1}, 0.0),
                                                   const std::string& name = "");
/// start, start + delta … as long as that is below limit (above, for a negative delta) (type "Range"): inputs start, limit, delta of one type, known before
/// run time.
[[nodiscard]] AIDGE_EXPORT NodePtr Range(const std::string& name = "");
/// Ones on the k-th diagonal, zeros elsewhere, with the dims of its input, a matrix (type "EyeLike"). `dtype`: NumPy's name, "" for the input's type.
[[nodiscard]] AIDGE_EXPORT NodePtr EyeLike(std::int64_t k = 0, const std::string& dtype = "", const std::string& name = "");
/// values[1] (input 2) where the new axis's index is that in input 0, else values[0] (type "OneHot"); the axis's extent `depth` (input 1, one element) must be
/// known before run time. Negative indices count from the end, those out of range are nowhere.
[[nodiscard]] AIDGE_EXPORT NodePtr OneHot(std::int64_t axis = -1, const std::string& name = "");
/// The upper (else the lower) triangle of the last two axes from the k-th diagonal on, zeros elsewhere (type "Trilu").
[[nodiscard]] AIDGE_EXPORT NodePtr Trilu(bool upper = true, std::int64_t k = 0, const std::string& name = "");

}  // namespace Aidge
