// What removeChannels did, as text.
#include <string>
#include <vector>

#include "FusionPlan.hpp"
#include "ReportTable.hpp"
#include "aidge/recipes/RemoveChannels.hpp"

namespace Aidge {

namespace {

/// "a + b"; of more than three the first and their number.
std::string firstOf(const std::vector<std::string>& names) {
  if (names.size() > 3) return names.front() + " + ... (" + std::to_string(names.size()) + ")";
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : " + ") + name;
  return text;
}

}  // namespace

std::string toString(const RemovalReport& report) {
  std::vector<detail::Row> rows{{"layers", "channels", "MACs", "parameters"}};
  for (const auto& group : report.removed) {
    std::vector<std::string> names;
    for (const RemovedChannels& layer : group) names.push_back(layer.node);
    const auto before = group.front().before;
    const auto after = before - static_cast<std::int64_t>(group.front().channels.size());
    rows.push_back({firstOf(names), std::to_string(before) + " -> " + std::to_string(after), "", ""});
  }
  rows.push_back({"network", "", detail::change(report.macsBefore, report.macsAfter),
                  detail::change(report.parametersBefore, report.parametersAfter)});
  std::string text = detail::table(rows) + detail::uncountedNote(report.uncounted);
  if (report.refused.empty()) return text;
  std::vector<detail::Row> refusals{{"not removed", "because"}};
  for (const RefusedRemoval& refusal : report.refused) refusals.push_back({firstOf(refusal.nodes), refusal.reason});
  return text + "\n" + detail::table(refusals);
}

}  // namespace Aidge
