#include "PoolValues.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "KernelSupport.hpp"
#include "VectorLoops.hpp"

namespace Aidge::cpu {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// What the loops share: `positions` values a channel and image.
struct Pool {
  std::size_t images;
  std::size_t channels;
  std::size_t positions;
  Pooling pooling;

  Pool(std::span<const DimSize_t> dims, Pooling how) : images(1), channels(1), positions(1), pooling(how) {
    if (!dims.empty()) images = static_cast<std::size_t>(dims[0]);
    if (dims.size() > 1) channels = static_cast<std::size_t>(dims[1]);
    for (std::size_t axis = 2; axis < dims.size(); ++axis) positions *= static_cast<std::size_t>(dims[axis]);
  }

  [[nodiscard]] double empty() const { return pooling == Pooling::Max ? -std::numeric_limits<double>::infinity() : 0.0; }
  /// From maximum or sum to what is asked for; infinities can only come from infinities among the values.
  [[nodiscard]] double finish(double value) const {
    if (!std::isfinite(value)) return kNaN;
    return pooling == Pooling::Average ? value / static_cast<double>(positions) : value;
  }
};

/// A channel's values lie side by side.
void poolRuns(const float* in, const Pool& pool, double* out) {
  const VectorLoops& loops = vectorLoops();
  const std::size_t total = pool.images * pool.channels * pool.positions;
#pragma omp parallel for schedule(static) if (total >= kParallelFrom)
  for (std::ptrdiff_t run = 0; run < static_cast<std::ptrdiff_t>(pool.images * pool.channels); ++run) {
    const float* values = in + static_cast<std::size_t>(run) * pool.positions;
    double result = pool.empty();
    for (std::size_t begin = 0; begin < pool.positions; begin += kBlock) {
      const std::size_t count = std::min(kBlock, pool.positions - begin);
      if (pool.pooling != Pooling::Max) {
        result += loops.sum(values + begin, count);
      } else {
        result = loops.allFinite(values + begin, count) ? std::max<double>(result, loops.maximum(values + begin, count)) : kNaN;
        if (std::isnan(result)) break;
      }
    }
    out[run] = pool.finish(result);
  }
}

/// The channels of a position lie side by side: partial results of blocks of positions, then all of an image.
class Columns {
 public:
  Columns(const float* in, const Pool& pool) : mIn(in), mPool(pool), mRows(std::max<std::size_t>(1, 16 * kBlock / pool.channels)) {
    mBlocks = (pool.positions + mRows - 1) / mRows;
    mPartial.assign(pool.images * mBlocks * pool.channels, pool.empty());
  }

  void run(double* out) {
    const std::size_t total = mPool.images * mPool.channels * mPool.positions;
#pragma omp parallel if (total >= kParallelFrom)
    {
      std::vector<float> most(mPool.pooling == Pooling::Max ? mPool.channels : 0);
#pragma omp for schedule(static)
      for (std::ptrdiff_t task = 0; task < static_cast<std::ptrdiff_t>(mPool.images * mBlocks); ++task) {
        block(static_cast<std::size_t>(task), most);
      }
#pragma omp for schedule(static)
      for (std::ptrdiff_t image = 0; image < static_cast<std::ptrdiff_t>(mPool.images); ++image) {
        combine(static_cast<std::size_t>(image), out + static_cast<std::size_t>(image) * mPool.channels);
      }
    }
  }

 private:
  void block(std::size_t task, std::vector<float>& most) {
    const std::size_t first = task % mBlocks * mRows;
    const std::size_t rows = std::min(mRows, mPool.positions - first);
    const float* values = mIn + (task / mBlocks * mPool.positions + first) * mPool.channels;
    double* partial = mPartial.data() + task * mPool.channels;
    if (mPool.pooling != Pooling::Max) return vectorLoops().sumColumns(values, rows, mPool.channels, partial);
    std::fill(most.begin(), most.end(), -std::numeric_limits<float>::infinity());
    if (vectorLoops().finiteMaximumColumns(values, rows, mPool.channels, most.data())) {
      std::copy(most.begin(), most.end(), partial);
    } else {
      std::fill_n(partial, mPool.channels, kNaN);
    }
  }

  void combine(std::size_t image, double* out) const {
    const double* partial = mPartial.data() + image * mBlocks * mPool.channels;
    for (std::size_t c = 0; c < mPool.channels; ++c) {
      double result = mPool.empty();
      for (std::size_t b = 0; b < mBlocks; ++b) {
        const double value = partial[b * mPool.channels + c];
        result = mPool.pooling != Pooling::Max ? result + value : std::isnan(value) || value > result ? value : result;
        if (std::isnan(result)) break;
      }
      out[c] = mPool.finish(result);
    }
  }

  const float* mIn;
  const Pool& mPool;
  std::size_t mRows;
  std::size_t mBlocks = 0;
  std::vector<double> mPartial;  ///< (images, blocks, channels)
};

}  // namespace

void poolValues(const float* in, std::span<const DimSize_t> dims, Layout layout, Pooling pooling, double* out) {
  const Pool pool(dims, pooling);
  const std::size_t results = pool.images * pool.channels;
  if (results == 0) return;
  if (pool.positions == 1) {
    std::transform(in, in + results, out, [&](float value) { return pool.finish(value); });
  } else if (layout == Layout::Plain || pool.channels == 1) {
    poolRuns(in, pool, out);
  } else {
    Columns(in, pool).run(out);
  }
}

}  // namespace Aidge::cpu
