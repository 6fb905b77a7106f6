#pragma once
// The groups of an analysis, and which class of atoms is which channel of them.

#include <string>
#include <unordered_map>
#include <vector>

#include "ChannelAnalysis.hpp"
#include "aidge/recipes/ChannelGroups.hpp"

namespace Aidge::detail {

struct GroupedChannels {
  explicit GroupedChannels(const ChannelAnalysis& analysis);

  struct Place {
    std::size_t group;
    std::int64_t channel;
  };
  std::vector<ChannelGroup> groups;
  std::vector<std::vector<Label>> classes;  ///< of each group: one a channel
  std::unordered_map<Label, Place> places;  ///< of each class

  /// nullptr if no source makes it.
  [[nodiscard]] const Place* find(const ChannelAnalysis& analysis, Label label) const;

 private:
  void placeSources(const ChannelAnalysis& analysis);
  void addUses(const ChannelAnalysis& analysis);
  void addReaders(const ChannelAnalysis& analysis, const std::vector<UseRecord>& records, std::vector<ChannelUse> ChannelGroup::* readers);
  void addCrossed(const ChannelAnalysis& analysis);
  void findFixed(const ChannelAnalysis& analysis);
};

}  // namespace Aidge::detail
