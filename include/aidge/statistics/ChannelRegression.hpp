#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "aidge/core/Export.hpp"

namespace Aidge::statistics {

/// Regression of y on x, one of each a channel: y is about slope · x + offset. Moments in double by the pairwise update; mergeable.
class AIDGE_EXPORT ChannelRegression {
 public:
  /// Throws std::invalid_argument if channels is 0.
  explicit ChannelRegression(std::size_t channels);
  /// Takes as many values of x as of y for a channel. Throws std::invalid_argument if the counts differ, the channel does not exist, or a value is not finite.
  void add(std::size_t channel, std::span<const float> x, std::span<const float> y);
  /// Adds what another one has seen. Throws std::invalid_argument if its channels are not as many.
  void merge(const ChannelRegression& other);

  [[nodiscard]] std::size_t channels() const noexcept { return mChannels.size(); }
  /// cov(x, y) / var(x) a channel; 0 where x does not vary.
  [[nodiscard]] std::vector<double> slope() const;
  /// mean y - slope · mean x.
  [[nodiscard]] std::vector<double> offset() const;
  /// A map a channel: y from slope · x + offset.
  struct Maps {
    std::vector<double> slope;
    std::vector<double> offset;
  };
  /// The maps that give x the mean and the variance of y: slope sqrt(var(y) / var(x)), 1 where x or y does not vary.
  [[nodiscard]] Maps matching() const;
  /// Sum over the channels of the mean of (y - slope · x - offset)².
  [[nodiscard]] double meanSquaredError(const Maps& maps) const;
  /// Sum over the channels of var(y).
  [[nodiscard]] double variance() const;
  /// What is left: sum over the channels of var(y - slope · x - offset), divided by that of var(y); 0 where y does not vary.
  [[nodiscard]] double residual() const;

 private:
  struct Moments {
    double count = 0.0;
    double meanX = 0.0;
    double meanY = 0.0;
    double xx = 0.0;
    double xy = 0.0;
    double yy = 0.0;
    void merge(const Moments& other);
  };
  std::vector<Moments> mChannels;
};

}  // namespace Aidge::statistics
