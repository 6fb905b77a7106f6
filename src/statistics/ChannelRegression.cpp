#include "aidge/statistics/ChannelRegression.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include "aidge/core/Errors.hpp"

namespace Aidge::statistics {

void ChannelRegression::Moments::merge(const Moments& other) {
  if (other.count == 0.0) return;
  const double total = count + other.count;
  const double weight = count * other.count / total;
  const double byX = other.meanX - meanX;
  const double byY = other.meanY - meanY;
  xx += other.xx + weight * byX * byX;
  xy += other.xy + weight * byX * byY;
  yy += other.yy + weight * byY * byY;
  meanX += byX * (other.count / total);
  meanY += byY * (other.count / total);
  count = total;
}

ChannelRegression::ChannelRegression(std::size_t channels) : mChannels(channels) {
  if (channels == 0) throwExpected("statistics::ChannelRegression", "at least one channel", "0");
}

void ChannelRegression::add(std::size_t channel, std::span<const float> x, std::span<const float> y) {
  constexpr std::string_view kWhere = "statistics::ChannelRegression::add";
  if (channel >= mChannels.size()) {
    throwExpected(kWhere, "a channel below " + std::to_string(mChannels.size()), std::to_string(channel));
  }
  if (x.size() != y.size()) throwExpected(kWhere, std::to_string(x.size()) + " values of y", std::to_string(y.size()));
  if (x.empty()) return;
  Moments moments;
  moments.count = static_cast<double>(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    moments.meanX += x[i];
    moments.meanY += y[i];
  }
  moments.meanX /= moments.count;
  moments.meanY /= moments.count;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double byX = x[i] - moments.meanX;
    const double byY = y[i] - moments.meanY;
    moments.xx += byX * byX;
    moments.xy += byX * byY;
    moments.yy += byY * byY;
  }
  if (!std::isfinite(moments.xx) || !std::isfinite(moments.yy)) throwExpected(kWhere, "finite values", "NaN or infinity");
  mChannels[channel].merge(moments);
}

void ChannelRegression::merge(const ChannelRegression& other) {
  if (other.channels() != channels()) {
    throwExpected("statistics::ChannelRegression::merge", std::to_string(channels()) + " channels", std::to_string(other.channels()));
  }
  for (std::size_t c = 0; c < channels(); ++c) mChannels[c].merge(other.mChannels[c]);
}

std::vector<double> ChannelRegression::slope() const {
  std::vector<double> result;
  for (const Moments& channel : mChannels) result.push_back(channel.xx > 0.0 ? channel.xy / channel.xx : 0.0);
  return result;
}

std::vector<double> ChannelRegression::offset() const {
  std::vector<double> result = slope();
  for (std::size_t c = 0; c < channels(); ++c) result[c] = mChannels[c].meanY - result[c] * mChannels[c].meanX;
  return result;
}

ChannelRegression::Maps ChannelRegression::matching() const {
  Maps maps;
  for (const Moments& channel : mChannels) {
    const bool varies = channel.xx > 0.0 && channel.yy > 0.0;
    maps.slope.push_back(varies ? std::sqrt(channel.yy / channel.xx) : 1.0);
    maps.offset.push_back(channel.meanY - maps.slope.back() * channel.meanX);
  }
  return maps;
}

double ChannelRegression::meanSquaredError(const Maps& maps) const {
  if (maps.slope.size() != channels() || maps.offset.size() != channels()) {
    throwExpected("statistics::ChannelRegression::meanSquaredError", std::to_string(channels()) + " maps",
                  std::to_string(maps.slope.size()));
  }
  double total = 0.0;
  for (std::size_t c = 0; c < channels(); ++c) {
    const Moments& channel = mChannels[c];
    if (channel.count == 0.0) continue;
    const double slope = maps.slope[c];
    const double bias = channel.meanY - slope * channel.meanX - maps.offset[c];
    total += std::max(0.0, channel.yy - 2.0 * slope * channel.xy + slope * slope * channel.xx) / channel.count + bias * bias;
  }
  return total;
}

double ChannelRegression::variance() const {
  double total = 0.0;
  for (const Moments& channel : mChannels) total += channel.count > 0.0 ? channel.yy / channel.count : 0.0;
  return total;
}

double ChannelRegression::residual() const {
  double left = 0.0;
  double whole = 0.0;
  for (const Moments& channel : mChannels) {
    if (channel.count == 0.0) continue;
    const double explained = channel.xx > 0.0 ? channel.xy * channel.xy / channel.xx : 0.0;
    left += std::max(0.0, channel.yy - explained) / channel.count;
    whole += channel.yy / channel.count;
  }
  return whole > 0.0 ? left / whole : 0.0;
}

}  // namespace Aidge::statistics
