#pragma once

#include <string>

#include "aidge/core/Export.hpp"
#include "aidge/graph/MakeNode.hpp"

namespace Aidge {

/// The same values in the type `to`, any shape; conversions are those of convertTo (data/Convert.hpp).
[[nodiscard]] AIDGE_EXPORT NodePtr Cast(DataType to, const std::string& name = "");

}  // namespace Aidge
