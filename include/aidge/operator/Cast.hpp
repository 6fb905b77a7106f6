#pragma once

#include <string>

#include "aidge/core/Export.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge {
/// Type that a Cast gives. Throws std::invalid_argument if its attribute `to` names none.
[[nodiscard]] AIDGE_EXPORT DataType castTarget(const Operator& op);

}  // namespace Aidge
