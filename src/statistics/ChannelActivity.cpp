#include "aidge/statistics/ChannelActivity.hpp"

#include <algorithm>
#include <string>

#include "aidge/core/Errors.hpp"

namespace Aidge::statistics {

void ChannelActivity::add(std::size_t index, double value) {
  if (index >= neurons.size()) neurons.resize(index + 1, true);
  if (value > 0.0) neurons[index] = false;
}

void ChannelActivity::add(std::span<const std::uint8_t> active) {
  if (active.size() > neurons.size()) neurons.resize(active.size(), true);
  for (std::size_t i = 0; i < active.size(); ++i) {
    if (active[i] != 0) neurons[i] = false;
  }
}

void ChannelActivity::merge(const ChannelActivity& other) {
  if (other.neurons.size() > neurons.size()) neurons.resize(other.neurons.size(), true);
  for (std::size_t i = 0; i < other.neurons.size(); ++i) {
    if (!other.neurons[i]) neurons[i] = false;
  }
}

bool ChannelActivity::isDead(std::size_t index) const {
  if (index >= neurons.size()) {
    throwExpected("statistics::isDead", "an index below " + std::to_string(neurons.size()), std::to_string(index));
  }
  return neurons[index];
}

std::size_t ChannelActivity::countDeadNeurons() const noexcept {
  return static_cast<std::size_t>(std::count(neurons.begin(), neurons.end(), true));
}

}  // namespace Aidge::statistics
