#include "aidge/recipes/ChannelGroups.hpp"

#include <algorithm>
#include <numeric>

#include "GroupedChannels.hpp"
#include "aidge/core/Errors.hpp"

namespace Aidge {

namespace detail {

GroupedChannels::GroupedChannels(const ChannelAnalysis& analysis) {
  placeSources(analysis);
  addUses(analysis);
  addCrossed(analysis);
  findFixed(analysis);
}

const GroupedChannels::Place* GroupedChannels::find(const ChannelAnalysis& analysis, Label label) const {
  const auto found = places.find(analysis.atoms.find(label));
  return found == places.end() ? nullptr : &found->second;
}

/// Sources that share a class are one group.
void GroupedChannels::placeSources(const ChannelAnalysis& analysis) {
  const auto& sources = analysis.sources;
  std::vector<std::size_t> parents(sources.size());
  std::iota(parents.begin(), parents.end(), std::size_t{0});
  const auto root = [&](std::size_t s) {
    while (parents[s] != s) s = parents[s];
    return s;
  };
  std::unordered_map<Label, std::size_t> firstSource;
  for (std::size_t s = 0; s < sources.size(); ++s) {
    for (std::size_t c = 0; c < sources[s].count; ++c) {
      const auto [known, isNew] = firstSource.emplace(analysis.atoms.find(sources[s].first + static_cast<Label>(c)), s);
      if (isNew) continue;
      const std::size_t a = root(known->second);
      const std::size_t b = root(s);
      parents[std::max(a, b)] = std::min(a, b);
    }
  }
  std::unordered_map<std::size_t, std::size_t> groupOf;
  for (std::size_t s = 0; s < sources.size(); ++s) {
    const auto [entry, isNew] = groupOf.emplace(root(s), groups.size());
    if (isNew) {
      groups.emplace_back();
      classes.emplace_back();
    }
    const std::size_t g = entry->second;
    ChannelSource source{sources[s].node, {}};
    for (std::size_t c = 0; c < sources[s].count; ++c) {
      const Label label = analysis.atoms.find(sources[s].first + static_cast<Label>(c));
      const auto [place, isFirst] = places.emplace(label, Place{g, static_cast<std::int64_t>(classes[g].size())});
      if (isFirst) classes[g].push_back(label);
      source.channels.push_back(place->second.channel);
    }
    groups[g].sources.push_back(std::move(source));
  }
  for (std::size_t g = 0; g < groups.size(); ++g) groups[g].size = classes[g].size();
}

void GroupedChannels::addUses(const ChannelAnalysis& analysis) {
  addReaders(analysis, analysis.uses, &ChannelGroup::uses);
  addReaders(analysis, analysis.products, &ChannelGroup::products);
}

void GroupedChannels::addReaders(const ChannelAnalysis& analysis, const std::vector<UseRecord>& records,
                                 std::vector<ChannelUse> ChannelGroup::* readers) {
  for (const UseRecord& record : records) {
    std::map<std::size_t, ChannelUse> byGroup;
    for (std::size_t i = 0; i < record.labels.size(); ++i) {
      const Place* place = find(analysis, record.labels[i]);
      if (place == nullptr) continue;
      ChannelUse& use = byGroup[place->group];
      use.channels.resize(record.labels.size(), -1);
      use.channels[i] = place->channel;
    }
    for (auto& [group, use] : byGroup) {
      use.node = record.node;
      use.input = record.input;
      (groups[group].*readers).push_back(std::move(use));
    }
  }
}

void GroupedChannels::addCrossed(const ChannelAnalysis& analysis) {
  for (const LabelledTensor& tensor : analysis.tensors) {
    std::vector<std::size_t> present;
    for (const Label label : tensor.grid.labels) {
      const Place* place = find(analysis, label);
      if (place != nullptr && (present.empty() || present.back() != place->group)) present.push_back(place->group);
    }
    std::sort(present.begin(), present.end());
    present.erase(std::unique(present.begin(), present.end()), present.end());
    for (const std::size_t g : present) {
      ChannelGroup& group = groups[g];
      const bool isSource =
          std::any_of(group.sources.begin(), group.sources.end(), [&](const ChannelSource& source) { return source.node == tensor.node; });
      const bool isKnown = !group.crossed.empty() && group.crossed.back() == tensor.node;
      if (!isSource && !isKnown) group.crossed.push_back(tensor.node);
    }
  }
}

void GroupedChannels::findFixed(const ChannelAnalysis& analysis) {
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (std::size_t c = 0; c < classes[g].size(); ++c) {
      if (!analysis.atoms.isFixed(classes[g][c])) continue;
      if (groups[g].fixed.empty()) groups[g].refusal = analysis.atoms.reason(classes[g][c]);
      groups[g].fixed.push_back(static_cast<std::int64_t>(c));
    }
    if (groups[g].size == 1 && groups[g].refusal.empty()) {
      groups[g].fixed = {0};
      groups[g].refusal = "has a single channel";
    }
  }
}

}  // namespace detail

std::vector<ChannelGroup> channelGroups(const GraphViewPtr& graph, const std::vector<Dims>& dims) {
  constexpr const char* kWhere = "recipes::channelGroups";
  if (!graph) throwExpected(kWhere, "a graph", "none");
  const detail::ChannelAnalysis analysis(kWhere, *graph, dims);
  return detail::GroupedChannels(analysis).groups;
}

}  // namespace Aidge
