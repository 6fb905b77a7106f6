#pragma once

#include <string>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/graph/MakeNode.hpp"

namespace Aidge {

/// Mean over the given axes (all if none are given, unless noopWithEmptyAxes), which stay with extent 1 if keepDims.
[[nodiscard]] AIDGE_EXPORT NodePtr ReduceMean(const std::vector<std::int64_t>& axes = {}, bool keepDims = true,
                                              bool noopWithEmptyAxes = false, const std::string& name = "");

}  // namespace Aidge
