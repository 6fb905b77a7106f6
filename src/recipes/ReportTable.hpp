#pragma once
// Reports of recipes as text.

#include <cstddef>
#include <string>
#include <vector>

namespace Aidge::detail {

using Row = std::vector<std::string>;

/// Columns as wide as their widest cell, two blanks between them.
[[nodiscard]] std::string table(const std::vector<Row>& rows);

/// A line that says how many operators the MACs leave out; empty without any.
[[nodiscard]] std::string uncountedNote(std::size_t operators);

}  // namespace Aidge::detail
