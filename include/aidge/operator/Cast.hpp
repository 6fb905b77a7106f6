#pragma once

#include <string>

#include "aidge/operator/Operator.hpp"

namespace Aidge {

/// The same values in the type `to`, any shape; conversions are those of convertTo (data/Convert.hpp).
[[nodiscard]] NodePtr Cast(DataType to, const std::string& name = "");
/// Type that a Cast gives. Throws std::invalid_argument where its attribute `to` names none.
[[nodiscard]] DataType castTarget(const Operator& op);

}  // namespace Aidge
