// What fuseConvolution did, as text.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "FusionPlan.hpp"
#include "ReportTable.hpp"
#include "aidge/recipes/FuseConvolution.hpp"

namespace Aidge {

namespace {

using detail::change;
using detail::Row;
using detail::table;

std::string number(const char* format, double value) {
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string milliseconds(const std::optional<double>& before, const std::optional<double>& after) {
  if (!before || !after) return "-";
  return number("%.3f", *before * 1e3) + " -> " + number("%.3f", *after * 1e3);
}

/// "a + b + c"; of more than three the first and the last.
std::string listed(const std::vector<std::string>& names) {
  if (names.size() > 3) return names.front() + " + ... + " + names.back() + " (" + std::to_string(names.size()) + ")";
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : " + ") + name;
  return text;
}

std::string howOf(const ConvolutionMerge& merge) {
  if (merge.border == BorderRule::Shift) return "exact, by a shifted input";
  if (merge.border == BorderRule::Image) return "exact, with an image of the biases";
  if (merge.border == BorderRule::Refuse) return "exact";
  return "approximate" + (merge.error ? ", error " + number("%.2e", *merge.error) : std::string());
}

}  // namespace

std::string_view toString(BorderRule rule) {
  switch (rule) {
    case BorderRule::Shift:
      return "shift";
    case BorderRule::Image:
      return "image";
    case BorderRule::Approximate:
      return "approximate";
    default:
      return "refuse";
  }
}

std::string toString(const FusionReport& report) {
  std::vector<Row> rows{{"merged", "layers", "border", "MACs", "parameters", "ms"}};
  for (const ConvolutionMerge& merge : report.merged) {
    rows.push_back({merge.name + " (" + merge.type + ")", listed(merge.nodes), howOf(merge), change(merge.macsBefore, merge.macsAfter),
                    change(merge.parametersBefore, merge.parametersAfter), milliseconds(merge.secondsBefore, merge.secondsAfter)});
  }
  rows.push_back({"network", "", report.error ? "error " + number("%.2e", *report.error) : "", change(report.macsBefore, report.macsAfter),
                  change(report.parametersBefore, report.parametersAfter), milliseconds(report.secondsBefore, report.secondsAfter)});
  std::string text = table(rows) + detail::uncountedNote(report.uncounted);
  if (report.refused.empty()) return text;
  std::vector<Row> refusals{{"not merged", "because"}};
  for (const RefusedMerge& pair : report.refused) refusals.push_back({pair.first + " + " + pair.second, pair.reason});
  return text + "\n" + table(refusals);
}

}  // namespace Aidge
