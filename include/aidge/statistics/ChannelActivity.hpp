#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "aidge/core/Export.hpp"

namespace Aidge::statistics {

/// Which channels have never been strictly positive. One neuron = one channel (axis 1).
struct AIDGE_EXPORT ChannelActivity {
  std::vector<bool> neurons;  ///< true = dead: no value > 0 so far

  ChannelActivity() = default;
  /// `channels` neurons, all dead.
  explicit ChannelActivity(std::size_t channels) : neurons(channels, true) {}

  /// Takes one value of channel `index`; the list grows (dead) up to that index where it is shorter.
  void add(std::size_t index, double value);
  /// Takes one flag a channel, not 0 if some value was > 0. Grows where `active` is longer.
  void add(std::span<const std::uint8_t> active);
  /// A channel is dead where both say so; grows to the longer of the two.
  void merge(const ChannelActivity& other);
  /// Throws std::invalid_argument unless index < neurons.size().
  [[nodiscard]] bool isDead(std::size_t index) const;
  [[nodiscard]] std::size_t countDeadNeurons() const noexcept;

  friend bool operator==(const ChannelActivity&, const ChannelActivity&) = default;
};

}  // namespace Aidge::statistics
