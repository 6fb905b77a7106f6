#pragma once
// Reports of recipes as text.

#include <string>
#include <vector>

namespace Aidge::detail {

using Row = std::vector<std::string>;

/// Columns as wide as their widest cell, two blanks between them.
[[nodiscard]] std::string table(const std::vector<Row>& rows);

}  // namespace Aidge::detail
