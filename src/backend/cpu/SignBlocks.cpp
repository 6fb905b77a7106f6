#include "SignBlocks.hpp"

#include <bit>
#include <string>
#include <utility>

#include "SignActivation.hpp"
#include "aidge/core/Errors.hpp"

namespace Aidge::cpu {

namespace {

/// Channels that are looked at together: a vector of them, because one that never gets positive has its whole run looked at in every block.
constexpr std::size_t kRun = 16;

}  // namespace

ActiveChannels::ActiveChannels(std::span<const std::uint8_t> known) : mMost(known.begin(), known.end()) {
  if (!mMost.empty()) mOpen.push_back({0, mMost.size()});
  refresh();
}

void ActiveChannels::scan(const float* in, std::size_t begin, std::size_t end, const ChannelOrder& order) {
  if (order.inner == 1) {  // `begin` is a multiple of the channels
    const std::size_t rows = (end - begin) / order.channels;
    for (const Range& open : mOpen)
      vectorLoops().maximumColumns(in + begin + open.first, rows, order.channels, open.count, mMost.data() + open.first);
  } else {
    order.forRuns(begin, end, [&](std::size_t first, std::size_t last, std::size_t channel) {
      if (!(mMost[channel] > 0.0F) && vectorLoops().anyPositive(in + first, last - first)) mMost[channel] = 1.0F;
    });
  }
  if (std::has_single_bit(++mScans)) refresh();  // ever more seldom: what is still open then is likely to stay so
}

void ActiveChannels::addTo(std::span<std::uint8_t> flags) const {
  for (std::size_t c = 0; c < flags.size(); ++c) flags[c] |= static_cast<std::uint8_t>(mMost[c] > 0.0F);
}

void ActiveChannels::refresh() {
  const std::vector<Range> before = std::exchange(mOpen, {});
  for (const Range& range : before) {
    for (std::size_t first = range.first; first < range.first + range.count; first += kRun) {
      const std::size_t count = std::min(kRun, range.first + range.count - first);
      if (vectorLoops().allPositive(mMost.data() + first, count)) continue;
      if (!mOpen.empty() && mOpen.back().first + mOpen.back().count == first) {
        mOpen.back().count += count;
      } else {
        mOpen.push_back({first, count});
      }
    }
  }
}

std::vector<float> slopesOf(const Operator& prelu, std::span<const DimSize_t> dims) {
  const auto slope = prelu.getInput(1);
  if (!slope || !slope->hasData() || slope->dataType() != DataType::Float32) return {};
  const auto values = slope->data<float>();
  if (values.size() == 1) return {values.begin(), values.end()};
  // Aligned at the last axis, so the channels are `rank - 1` from the end.
  if (dims.size() < 2 || slope->nbDims() + 1 < dims.size()) return {};
  const DimSize_t channels = slope->dims()[slope->nbDims() + 1 - dims.size()];
  if (channels != dims[1] || values.size() != static_cast<std::size_t>(channels)) return {};
  return {values.begin(), values.end()};
}

BlockActivation::BlockActivation(const Operator& op, std::span<const DimSize_t> dims, const ChannelOrder& order) : mOrder(order) {
  if (op.role() != Role::ParametricRectifier) {
    mFunction.emplace(op);
    return;
  }
  mSlopes = slopesOf(op, dims);
  if (mSlopes.empty()) throwExpected("backend::signActivation", "a PReLU with one constant slope or one a channel", "another slope");
}

void BlockActivation::apply(const float* in, float* out, std::size_t begin, std::size_t end) const {
  if (mFunction) return mFunction->apply(in + begin, out + begin, end - begin);
  const VectorLoops& loops = vectorLoops();
  constexpr auto kPrelu = static_cast<std::size_t>(BinaryLoop::Prelu);
  if (mSlopes.size() == 1) return loops.vectorScalar[kPrelu](in + begin, mSlopes.data(), out + begin, end - begin);
  const auto loop = mOrder.inner == 1 ? loops.vectorVector[kPrelu] : loops.vectorScalar[kPrelu];
  mOrder.forRuns(begin, end, [&](std::size_t first, std::size_t last, std::size_t channel) {
    loop(in + first, mSlopes.data() + channel, out + first, last - first);
  });
}

std::size_t BlockStatistics::blockSize() const {
  if (order.inner != 1) return kBlock;
  return std::max<std::size_t>(1, kBlock / order.channels) * order.channels;
}

void BlockStatistics::run(std::size_t begin, std::size_t end, SignSums& sums, ActiveChannels& active) const {
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

/// Sizes the flags, or checks that they fit.
void prepareFlags(SignAccumulator& accumulator, std::size_t channels) {
  if (accumulator.active.empty()) accumulator.active.assign(channels, 0);
  if (accumulator.active.size() != channels) {
    throwExpected("backend::signActivation", std::to_string(accumulator.active.size()) + " channels", std::to_string(channels));
  }
}

}  // namespace Aidge::cpu
