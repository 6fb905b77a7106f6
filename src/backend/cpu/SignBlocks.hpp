#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "Activation.hpp"
#include "KernelSupport.hpp"

/// Sign statistics and an activation in one pass, block by block, for one thread. Internal.
namespace Aidge::cpu {

/// Which channels one thread has seen positive values of.
class ActiveChannels {
 public:
  /// Starts from what is known.
  explicit ActiveChannels(std::span<const std::uint8_t> known);

  [[nodiscard]] bool complete() const { return mOpen.empty(); }
  /// Looks for positive values of the channels that have none yet in elements [begin, end) of `in`.
  void scan(const float* in, std::size_t begin, std::size_t end, const ChannelOrder& order);
  void addTo(std::span<std::uint8_t> flags) const;

 private:
  struct Range {
    std::size_t first;
    std::size_t count;
  };
  void refresh();

  std::vector<float> mMost;  ///< > 0 if the channel was
  std::size_t mScans = 0;
  std::vector<Range> mOpen;  ///< short runs of channels that hold all those without a positive value
};

/// The activation of one block, channel by channel where it depends on the channel.
class BlockActivation {
 public:
  /// Throws std::invalid_argument where canSignActivate says no.
  BlockActivation(const Operator& op, std::span<const DimSize_t> dims, const ChannelOrder& order);

  /// Slope of a ReLU (0) or of a LeakyReLU that keeps signs; nothing for the others.
  [[nodiscard]] std::optional<float> fusedSlope() const { return mFunction ? mFunction->reluSlope() : std::nullopt; }
  /// Upper bound of a clipping of [0, bound]; nothing for the others.
  [[nodiscard]] std::optional<float> clipBound() const { return mFunction ? mFunction->clipBound() : std::nullopt; }
  void apply(const float* in, float* out, std::size_t begin, std::size_t end) const;

 private:
  ChannelOrder mOrder;
  std::optional<ActivationFunction> mFunction;
  std::vector<float> mSlopes;
};

/// PReLU's slopes for data of `dims`, one or one a channel; empty if it has others or none.
[[nodiscard]] std::vector<float> slopesOf(const Operator& prelu, std::span<const DimSize_t> dims);

/// Statistics and activation of a tensor.
struct BlockStatistics {
  const float* in;
  float* out;
  ChannelOrder order;
  const BlockActivation* function;  ///< nullptr: statistics only
  float upper;

  /// Elements of a block: whole rows where channels are innermost, so that every block starts at channel 0.
  [[nodiscard]] std::size_t blockSize() const;
  /// Elements [begin, end), which begin at channel 0 where channels are innermost.
  void run(std::size_t begin, std::size_t end, SignSums& sums, ActiveChannels& active) const;
};

/// Sizes the flags, or checks that they fit.
void prepareFlags(SignAccumulator& accumulator, std::size_t channels);

}  // namespace Aidge::cpu
