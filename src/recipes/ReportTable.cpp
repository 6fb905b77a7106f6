#include "ReportTable.hpp"

#include <algorithm>

namespace Aidge::detail {

namespace {

/// Characters, not bytes.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

std::string table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string text;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text.append(widths[i] - width(row[i]) + 2, ' ');
    }
    text += '\n';
  }
  return text;
}

std::string uncountedNote(std::size_t operators) {
  if (operators == 0) return {};
  const bool isOne = operators == 1;
  return "The MACs do not count " + std::to_string(operators) + (isOne ? " operator whose sizes are" : " operators whose sizes are") +
         " known only in a run.\n";
}

}  // namespace Aidge::detail
