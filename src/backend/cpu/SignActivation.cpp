#include "aidge/backend/cpu/SignActivation.hpp"

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "KernelSupport.hpp"
#include "aidge/backend/cpu/Activation.hpp"
#include "aidge/core/Errors.hpp"

namespace Aidge::cpu {

namespace {

/// Which channels one thread has seen positive values of.
class ActiveChannels {
 public:
  /// Starts from what is known.
  explicit ActiveChannels(std::span<const std::uint8_t> known) : mMost(known.begin(), known.end()) { refresh(); }

  [[nodiscard]] bool complete() const { return mComplete; }

  /// Looks for positive values of the channels that have none yet in elements [begin, end) of `in`.
  void scan(const float* in, std::size_t begin, std::size_t end, const ChannelOrder& order) {
    if (order.inner == 1) {  // `begin` is a multiple of the channels
      vectorLoops().maximumColumns(in + begin, (end - begin) / order.channels, order.channels, mMost.data());
    } else {
      order.forRuns(begin, end, [&](std::size_t first, std::size_t last, std::size_t channel) {
        if (!(mMost[channel] > 0.0F) && vectorLoops().anyPositive(in + first, last - first)) mMost[channel] = 1.0F;
      });
    }
    refresh();
  }

  void addTo(std::span<std::uint8_t> flags) const {
    for (std::size_t c = 0; c < flags.size(); ++c) flags[c] |= static_cast<std::uint8_t>(mMost[c] > 0.0F);
  }

 private:
  void refresh() { mComplete = vectorLoops().allPositive(mMost.data(), mMost.size()); }

  std::vector<float> mMost;  ///< > 0 where the channel was
  bool mComplete = false;
};

/// PReLU's slopes for data of `dims`, one or one a channel; empty where it has others or none.
std::vector<float> slopesOf(const Operator& prelu, std::span<const DimSize_t> dims) {
  const TensorPtr& slope = prelu.getInput(1);
  if (!slope || !slope->hasData() || slope->dataType() != DataType::Float32) return {};
  const auto values = slope->data<float>();
  if (values.size() == 1) return {values.begin(), values.end()};
  // Aligned at the last axis, so the channels are `rank - 1` from the end.
  if (dims.size() < 2 || slope->nbDims() + 1 < dims.size()) return {};
  const DimSize_t channels = slope->dims()[slope->nbDims() + 1 - dims.size()];
  if (channels != dims[1] || values.size() != static_cast<std::size_t>(channels)) return {};
  return {values.begin(), values.end()};
}

/// The activation of one block, channel by channel where it depends on the channel.
class BlockActivation {
 public:
  BlockActivation(const Operator& op, std::span<const DimSize_t> dims, const ChannelOrder& order) : mOrder(order) {
    if (op.type() != "PReLU") {
      mFunction.emplace(op);
      return;
    }
    mSlopes = slopesOf(op, dims);
    if (mSlopes.empty()) throwExpected("backend::signActivation", "a PReLU with one constant slope or one a channel", "another slope");
  }

  /// Slope of a ReLU (0) or of a LeakyReLU that keeps signs; nothing for the others.
  [[nodiscard]] std::optional<float> fusedSlope() const { return mFunction ? mFunction->reluSlope() : std::nullopt; }

  /// Upper bound of a clipping of [0, bound]; nothing for the others.
  [[nodiscard]] std::optional<float> clipBound() const { return mFunction ? mFunction->clipBound() : std::nullopt; }

  void apply(const float* in, float* out, std::size_t begin, std::size_t end) const {
    if (mFunction) return mFunction->apply(in + begin, out + begin, end - begin);
    const VectorLoops& loops = vectorLoops();
    constexpr auto kPrelu = static_cast<std::size_t>(BinaryLoop::Prelu);
    if (mSlopes.size() == 1) return loops.vectorScalar[kPrelu](in + begin, mSlopes.data(), out + begin, end - begin);
    const auto loop = mOrder.inner == 1 ? loops.vectorVector[kPrelu] : loops.vectorScalar[kPrelu];
    mOrder.forRuns(begin, end, [&](std::size_t first, std::size_t last, std::size_t channel) {
      loop(in + first, mSlopes.data() + channel, out + first, last - first);
    });
  }

 private:
  const ChannelOrder& mOrder;
  std::optional<ActivationFunction> mFunction;
  std::vector<float> mSlopes;
};

/// Statistics and activation of a tensor, block by block.
struct BlockStatistics {
  const float* in;
  float* out;
  const ChannelOrder& order;
  const BlockActivation* function;
  float upper;

  /// Whole rows where channels are innermost, so that every block starts at channel 0.
  [[nodiscard]] std::size_t blockSize() const {
    if (order.inner != 1) return kBlock;
    return std::max<std::size_t>(1, kBlock / order.channels) * order.channels;
  }

  void run(std::size_t block, SignSums& sums, ActiveChannels& active) const {
    const std::size_t begin = block * blockSize();
    const std::size_t end = std::min(order.total, begin + blockSize());
    const auto fused = function ? function->fusedSlope() : std::nullopt;
    const bool clips = function && function->clipBound() == upper;
    if (fused || clips) {
      const auto loop = clips ? vectorLoops().signClip : *fused == 0.0F ? vectorLoops().signRelu : vectorLoops().signLeaky;
      loop(in + begin, out + begin, end - begin, upper, fused.value_or(0.0F), &sums);
      if (!active.complete()) active.scan(out, begin, end, order);  // positive where `in` was, which may be overwritten
      return;
    }
    vectorLoops().signSums(in + begin, nullptr, end - begin, upper, 0.0F, &sums);
    if (!active.complete()) active.scan(in, begin, end, order);
    if (function) function->apply(in, out, begin, end);
  }
};

/// Sizes the flags, or checks that they fit.
void prepareFlags(SignAccumulator& accumulator, std::size_t channels) {
  if (accumulator.active.empty()) accumulator.active.assign(channels, 0);
  if (accumulator.active.size() != channels) {
    throwExpected("backend::signActivation", std::to_string(accumulator.active.size()) + " channels", std::to_string(channels));
  }
}

}  // namespace

bool canSignActivate(const Operator& activation, std::span<const DimSize_t> dims) {
  if (ActivationFunction::supports(activation.type())) return true;
  return activation.type() == "PReLU" && !slopesOf(activation, dims).empty();
}

void signActivation(const float* in, float* out, std::span<const DimSize_t> dims, Layout layout, const Operator* activation, double upper,
                    SignAccumulator& accumulator) {
  const ChannelOrder order(dims, layout);
  std::optional<BlockActivation> function;
  if (out != nullptr) function.emplace(*activation, dims, order);
  prepareFlags(accumulator, order.channels);

  if (order.total == 0) return;
  const BlockStatistics statistics{in, out, order, function ? &*function : nullptr, static_cast<float>(upper)};
  std::vector<SignSums> sums((order.total + statistics.blockSize() - 1) / statistics.blockSize());
#pragma omp parallel if (order.total >= kParallelFrom)
  {
    ActiveChannels active(accumulator.active);
#pragma omp barrier
#pragma omp for schedule(static)
    for (std::ptrdiff_t block = 0; block < std::ssize(sums); ++block) {
      statistics.run(static_cast<std::size_t>(block), sums[static_cast<std::size_t>(block)], active);
    }
#pragma omp critical(aidgeSignActivation)
    active.addTo(accumulator.active);
  }
  for (const SignSums& blockSums : sums) {
    accumulator.negative += blockSums.negative + blockSums.above;
    accumulator.positive += blockSums.positive;
  }
}

namespace {

template <typename T> void summarise(const T* values, const ChannelOrder& order, double upper, SignAccumulator& accumulator) {
  for (std::size_t i = 0; i < order.total; ++i) {
    const auto v = static_cast<double>(values[i]);
    (v < 0.0 ? accumulator.negative : accumulator.positive) += std::fabs(v);
    if (v > upper) accumulator.negative += v - upper;
    if (v > 0.0) accumulator.active[i / order.inner % order.channels] = 1;
  }
}

}  // namespace

void signSummary(const TensorView& values, double upper, SignAccumulator& accumulator) {
  const ChannelOrder order(values.dims, values.layout);
  prepareFlags(accumulator, order.channels);
  if (values.dtype == DataType::Float32) return summarise(static_cast<const float*>(values.data), order, upper, accumulator);
  if (values.dtype == DataType::Float64) return summarise(static_cast<const double*>(values.data), order, upper, accumulator);
  throwExpected("backend::signSummary", "float32 or float64", toString(values.dtype));
}

}  // namespace Aidge::cpu
