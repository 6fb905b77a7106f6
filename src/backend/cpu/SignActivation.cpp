#include "SignActivation.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "SignBlocks.hpp"
#include "aidge/core/Errors.hpp"

namespace Aidge::cpu {

bool canSignActivate(const Operator& activation, std::span<const DimSize_t> dims) {
  if (ActivationFunction::supports(activation.type())) return true;
  return activation.role() == Role::ParametricRectifier && !slopesOf(activation, dims).empty();
}

void signActivation(const float* in, float* out, std::span<const DimSize_t> dims, Layout layout, const Operator* activation, double upper,
                    SignAccumulator& accumulator) {
  const ChannelOrder order(dims, layout);
  std::optional<BlockActivation> function;
  if (out != nullptr) function.emplace(*activation, dims, order);
  prepareFlags(accumulator, order.channels);

  if (order.total == 0) return;
  const BlockStatistics statistics{in, out, order, function ? &*function : nullptr, static_cast<float>(upper)};
  const std::size_t size = statistics.blockSize();
  const std::size_t blocks = (order.total + size - 1) / size;
  const auto run = [&](std::size_t block, ActiveChannels& active) {
    SignSums sums;
    statistics.run(block * size, std::min(order.total, (block + 1) * size), sums, active);
    return sums;
  };
  const auto add = [&](const SignSums& sums) {
    accumulator.negative += sums.negative + sums.above;
    accumulator.positive += sums.positive;
  };
  if (order.total < kParallelFrom || omp_get_max_threads() == 1 || omp_in_parallel() != 0) {  // a team of one has barriers, too
    ActiveChannels active(accumulator.active);
    for (std::size_t block = 0; block < blocks; ++block) add(run(block, active));
    active.addTo(accumulator.active);
    return;
  }
  std::vector<SignSums> sums(blocks);
#pragma omp parallel
  {
    ActiveChannels active(accumulator.active);
#pragma omp barrier
#pragma omp for schedule(static)
    for (std::ptrdiff_t block = 0; block < std::ssize(sums); ++block)
      sums[static_cast<std::size_t>(block)] = run(static_cast<std::size_t>(block), active);
#pragma omp critical(aidgeSignActivation)
    active.addTo(accumulator.active);
  }
  for (const SignSums& blockSums : sums) add(blockSums);
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
