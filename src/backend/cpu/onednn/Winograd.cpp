#include "Winograd.hpp"

#include <omp.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "../KernelSupport.hpp"
#include "../PostOps.hpp"
#include "../SignBlocks.hpp"
#include "../WinogradTransforms.hpp"
#include "Engine.hpp"
#include "aidge/backend/cpu/ConvolutionAccuracy.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::cpu::onednn {

namespace {

using Desc = dnnl::memory::desc;

constexpr std::size_t kLargestTile = 6 * 6;
/// What a block of tiles may take in the second-level cache, and how many tiles a matrix product needs to be fast.
constexpr std::size_t kBlockBytes = 768 * 1024;
constexpr std::size_t kLeastTiles = 32;
constexpr std::size_t kMostTiles = 256;
/// Tiles that are worth a thread of their own.
constexpr std::size_t kLeastShare = 8;
/// Below these the direct convolution is as fast.
constexpr std::size_t kLeastChannels = 16;
constexpr std::size_t kFewestTiles = 8;

/// The result in tiles of m x m pixels.
struct Tiling {
  std::size_t m = 2;
  std::size_t height = 0;  ///< of the input
  std::size_t width = 0;
  std::size_t outHeight = 0;
  std::size_t outWidth = 0;
  std::ptrdiff_t padTop = 0;
  std::ptrdiff_t padLeft = 0;
  std::size_t inputs = 0;  ///< channels
  std::size_t outputs = 0;
  std::size_t rows = 0;  ///< of tiles
  std::size_t columns = 0;
  std::size_t total = 0;  ///< in the batch
  std::size_t block = 0;  ///< tiles that are worked on at a time

  [[nodiscard]] std::size_t side() const { return m + 2; }
  [[nodiscard]] std::size_t values() const { return side() * side(); }
  [[nodiscard]] std::size_t blocks() const { return (total + block - 1) / block; }
};

Tiling tilingOf(const KernelRequest& request, std::size_t m) {
  const Dims& in = request.inputs[0].dims;
  const Dims& out = request.outputs[0].dims;
  const SpatialWindow window = resolveWindow(*request.op, in, std::span<const DimSize_t>(request.inputs[1].dims).subspan(2));
  const auto size = [](DimSize_t extent) { return static_cast<std::size_t>(extent); };
  Tiling tiling{.m = m,
                .height = size(in[2]),
                .width = size(in[3]),
                .outHeight = size(out[2]),
                .outWidth = size(out[3]),
                .padTop = window.padBegin[0],
                .padLeft = window.padBegin[1],
                .inputs = size(in[1]),
                .outputs = size(out[1])};
  tiling.rows = (tiling.outHeight + m - 1) / m;
  tiling.columns = (tiling.outWidth + m - 1) / m;
  tiling.total = size(in[0]) * tiling.rows * tiling.columns;
  const std::size_t tileBytes = tiling.values() * (tiling.inputs + tiling.outputs) * sizeof(float);
  const std::size_t most = std::clamp(kBlockBytes / tileBytes, kLeastTiles, kMostTiles);
  const auto threads = static_cast<std::size_t>(omp_get_max_threads());
  std::size_t blocks = (tiling.total + most - 1) / most;
  if (blocks >= threads || tiling.total >= threads * kLeastShare)
    blocks = (blocks + threads - 1) / threads * threads;  // so that all threads are done at the same time
  tiling.block = (tiling.total + blocks - 1) / blocks;
  return tiling;
}

/// G of F(m x m, 3 x 3): side x 3.
std::vector<std::array<double, 3>> filterMatrix(std::size_t m) {
  if (m == 2) return {{1.0, 0.0, 0.0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0.0, 0.0, 1.0}};
  return {{1.0 / 4, 0.0, 0.0},           {-1.0 / 6, -1.0 / 6, -1.0 / 6}, {-1.0 / 6, 1.0 / 6, -1.0 / 6},
          {1.0 / 24, 1.0 / 12, 1.0 / 6}, {1.0 / 24, -1.0 / 12, 1.0 / 6}, {0.0, 0.0, 1.0}};
}

/// G g G^T of every filter, as (value, input, output) matrices.
std::vector<float> transformedWeight(const float* weight, const Tiling& tiling) {
  const auto g = filterMatrix(tiling.m);
  const std::size_t side = tiling.side();
  std::vector<float> result(tiling.values() * tiling.inputs * tiling.outputs);
  for (std::size_t k = 0; k < tiling.outputs; ++k) {
    for (std::size_t c = 0; c < tiling.inputs; ++c) {
      const float* filter = weight + (k * tiling.inputs + c) * 9;
      for (std::size_t y = 0; y < side; ++y) {
        for (std::size_t x = 0; x < side; ++x) {
          double value = 0.0;
          for (std::size_t i = 0; i < 9; ++i) value += g[y][i / 3] * g[x][i % 3] * static_cast<double>(filter[i]);
          result[((y * side + x) * tiling.inputs + c) * tiling.outputs + k] = static_cast<float>(value);
        }
      }
    }
  }
  return result;
}

/// Where one thread's counts go.
struct Counter {
  const BlockStatistics& statistics;
  SignSums* sums;  ///< of the present block
  ActiveChannels& active;
};

class WinogradKernel final : public Kernel {
 public:
  WinogradKernel(const KernelRequest& request, std::size_t m)
      : mTiling(tilingOf(request, m)),
        mTransforms(winogradTransforms()),
        mInput(m == 2 ? mTransforms.input2 : mTransforms.input4),
        mOutput(m == 2 ? mTransforms.output2 : mTransforms.output4),
        mBias(mTiling.outputs, 0.0F),
        mZeros(std::max(mTiling.inputs, mTiling.outputs), 0.0F),
        mPostOps(takeFusedOps(request)),
        mOutputDesc(request.outputs[0]),
        mCounted(request.counted),
        mThreads(std::min(static_cast<std::size_t>(omp_get_max_threads()), mTiling.blocks())) {
    if (request.present.size() > 2 && request.present[2])
      std::copy_n(request.constants[2]->data<float>().data(), mTiling.outputs, mBias.data());
    createProduct(transformedWeight(request.constants[1]->data<float>().data(), mTiling));
  }

  void run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte* scratch) override {
    const auto* in = static_cast<const float*>(inputs[0]);
    auto* out = static_cast<float*>(outputs[0]);
    const float* addend = mAddend ? (mAddendInPlace ? out : static_cast<const float*>(inputs[*mAddend])) : nullptr;
    const auto blocks = static_cast<std::ptrdiff_t>(mTiling.blocks());
    if (mThreads == 1) {
      for (std::ptrdiff_t i = 0; i < blocks; ++i) runBlock(static_cast<std::size_t>(i), {in, addend, out, scratch}, nullptr);
      return;
    }
#pragma omp parallel for schedule(static) num_threads(static_cast<int>(mThreads))
    for (std::ptrdiff_t i = 0; i < blocks; ++i) runBlock(static_cast<std::size_t>(i), {in, addend, out, laneOf(scratch)}, nullptr);
  }

  void runCounting(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte* scratch,
                   SignAccumulator& signs) override {
    const auto* in = static_cast<const float*>(inputs[0]);
    auto* out = static_cast<float*>(outputs[0]);
    const float* addend = mAddend ? (mAddendInPlace ? out : static_cast<const float*>(inputs[*mAddend])) : nullptr;
    const ChannelOrder order(mOutputDesc.dims, Layout::ChannelsLast);
    const BlockActivation activation(*mCounted.op, mOutputDesc.dims, order);
    const BlockStatistics statistics{out, out, order, &activation, static_cast<float>(mCounted.upper)};
    prepareFlags(signs, mTiling.outputs);
    std::vector<SignSums> sums(mTiling.blocks());
    const auto countBlock = [&](std::ptrdiff_t i, ActiveChannels& active, std::byte* own) {
      const Counter counter{statistics, &sums[static_cast<std::size_t>(i)], active};
      runBlock(static_cast<std::size_t>(i), {in, addend, out, own}, &counter);
    };
    if (mThreads == 1) {  // no team, not even of one: Call asks for the thread's number in the team that shares this kernel
      ActiveChannels active(signs.active);
      for (std::ptrdiff_t i = 0; i < std::ssize(sums); ++i) countBlock(i, active, scratch);
      active.addTo(signs.active);
    } else {
#pragma omp parallel num_threads(static_cast<int>(mThreads))
      {
        ActiveChannels active(signs.active);
#pragma omp barrier
#pragma omp for schedule(static)
        for (std::ptrdiff_t i = 0; i < std::ssize(sums); ++i) countBlock(i, active, laneOf(scratch));
#pragma omp critical(aidgeWinogradSigns)
        active.addTo(signs.active);
      }
    }
    for (const SignSums& blockSums : sums) {
      signs.negative += blockSums.negative + blockSums.above;
      signs.positive += blockSums.positive;
    }
  }

  [[nodiscard]] std::size_t scratchBytes() const override { return mThreads * laneBytes(); }
  [[nodiscard]] std::size_t packedBytes() const override { return mWeight.get_desc().get_size() + mBias.size() * sizeof(float); }
  [[nodiscard]] bool readsConstant(std::size_t index) const override { return index != 1 && index != 2; }
  [[nodiscard]] std::string implementation() const override { return "winograd_f" + std::to_string(mTiling.m) + ":" + mProductName; }

 private:
  /// Takes a leading addition and a bound that follows; the chain of the rest is what remains to be done.
  PostOpChain takeFusedOps(const KernelRequest& request) {
    KernelRequest rest = request;
    auto& ops = rest.postOps;
    if (!ops.empty() && ops.front().kind == PostOp::Kind::Sum) {
      mAddend = ops.front().input;
      mAddendInPlace = ops.front().inPlace;
      ops.erase(ops.begin());
    }
    if (!ops.empty() && ops.front().kind == PostOp::Kind::Activation) {
      const ActivationFunction function(*ops.front().activation);
      const bool isRelu = function.reluSlope() == 0.0F;
      if (isRelu || function.clipBound()) {
        mLow = 0.0F;
        mHigh = isRelu ? mHigh : *function.clipBound();
        ops.erase(ops.begin());
      }
    }
    mHasRest = !ops.empty();
    return PostOpChain(rest);
  }

  void createProduct(const std::vector<float>& weight) {
    const auto extent = [](std::size_t n) { return static_cast<dnnl::memory::dim>(n); };
    const auto type = dnnl::memory::data_type::f32;
    const auto rows = dnnl::memory::format_tag::abc;
    const dnnl::memory::dims b{extent(mTiling.values()), extent(mTiling.inputs), extent(mTiling.outputs)};
    const Desc source({b[0], extent(mTiling.block), b[1]}, type, rows);
    const Desc target({b[0], extent(mTiling.block), b[2]}, type, rows);
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1);  // every thread has blocks of its own
    const dnnl::matmul::primitive_desc description(engine(), source, Desc(b, type, dnnl::memory::format_tag::any), target, attributes);
    mProduct = Call(dnnl::matmul(description));
    omp_set_num_threads(threads);
    mWeight = packed(weight.data(), Desc(b, type, rows), description.weights_desc());
    mProductName = description.impl_info_str();
    mPadBytes = aligned(description.scratchpad_desc().get_size());
    mProduct.bind(DNNL_ARG_SRC, source);
    mProduct.bind(DNNL_ARG_WEIGHTS, mWeight);
    mProduct.bind(DNNL_ARG_DST, target);
    mProduct.bind(DNNL_ARG_SCRATCHPAD, description.scratchpad_desc());
  }

  [[nodiscard]] std::size_t sourceBytes() const { return aligned(mTiling.values() * mTiling.block * mTiling.inputs * sizeof(float)); }
  [[nodiscard]] std::size_t targetBytes() const { return aligned(mTiling.values() * mTiling.block * mTiling.outputs * sizeof(float)); }
  [[nodiscard]] std::size_t rowBytes() const { return aligned(mTiling.outputs * sizeof(float)); }
  /// Transformed input, products, a row for what lies outside of the result, and the product's own scratch.
  [[nodiscard]] std::size_t laneBytes() const { return sourceBytes() + targetBytes() + rowBytes() + mPadBytes; }

  struct Buffers {
    const float* in;
    const float* addend;
    float* out;
    std::byte* scratch;
  };

  [[nodiscard]] std::byte* laneOf(std::byte* scratch) const {
    return scratch + static_cast<std::size_t>(omp_get_thread_num()) * laneBytes();
  }

  void runBlock(std::size_t block, const Buffers& buffers, const Counter* counter) {
    const std::size_t first = block * mTiling.block;
    const std::size_t end = std::min(mTiling.total, first + mTiling.block);
    std::byte* scratch = buffers.scratch;
    auto* source = reinterpret_cast<float*>(scratch);
    auto* target = reinterpret_cast<float*>(scratch + sourceBytes());
    auto* outside = reinterpret_cast<float*>(scratch + sourceBytes() + targetBytes());
    for (std::size_t tile = first; tile < end; ++tile) readTile(tile, buffers.in, source + (tile - first) * mTiling.inputs);
    mProduct.set(DNNL_ARG_SRC, source);
    mProduct.set(DNNL_ARG_DST, target);
    mProduct.set(DNNL_ARG_SCRATCHPAD, scratch + sourceBytes() + targetBytes() + rowBytes());
    mProduct.execute();
    for (std::size_t begin = first; begin < end;) {
      const std::size_t stop = std::min(end, (begin / mTiling.columns + 1) * mTiling.columns);
      for (std::size_t tile = begin; tile < stop; ++tile)
        writeTile(tile, target + (tile - first) * mTiling.outputs, buffers.addend, buffers.out, outside);
      if (counter != nullptr) countTiles(begin, stop, *counter);
      begin = stop;
    }
  }

  /// Counts and activates what tiles [begin, end) of one row of tiles have written.
  void countTiles(std::size_t begin, std::size_t end, const Counter& counter) const {
    const std::size_t image = begin / (mTiling.rows * mTiling.columns);
    const std::size_t row = begin / mTiling.columns % mTiling.rows;
    const std::size_t left = begin % mTiling.columns * mTiling.m;
    const std::size_t right = std::min(mTiling.outWidth, left + (end - begin) * mTiling.m);
    for (std::size_t y = row * mTiling.m; y < std::min(mTiling.outHeight, (row + 1) * mTiling.m); ++y) {
      const std::size_t line = (image * mTiling.outHeight + y) * mTiling.outWidth;
      counter.statistics.run((line + left) * mTiling.outputs, (line + right) * mTiling.outputs, *counter.sums, counter.active);
    }
  }

  void readTile(std::size_t tile, const float* in, float* source) const {
    const std::size_t image = tile / (mTiling.rows * mTiling.columns);
    const std::size_t row = tile / mTiling.columns % mTiling.rows;
    const std::size_t column = tile % mTiling.columns;
    const std::size_t side = mTiling.side();
    std::array<const float*, kLargestTile> pixels;
    for (std::size_t i = 0; i < side; ++i) {
      const std::ptrdiff_t y = static_cast<std::ptrdiff_t>(row * mTiling.m + i) - mTiling.padTop;
      const bool inside = y >= 0 && y < static_cast<std::ptrdiff_t>(mTiling.height);
      for (std::size_t j = 0; j < side; ++j) {
        const std::ptrdiff_t x = static_cast<std::ptrdiff_t>(column * mTiling.m + j) - mTiling.padLeft;
        const bool there = inside && x >= 0 && x < static_cast<std::ptrdiff_t>(mTiling.width);
        const std::size_t pixel = (image * mTiling.height + static_cast<std::size_t>(y)) * mTiling.width + static_cast<std::size_t>(x);
        pixels[i * side + j] = there ? in + pixel * mTiling.inputs : mZeros.data();
      }
    }
    mInput(pixels.data(), mTiling.inputs, source, mTiling.block * mTiling.inputs);
  }

  void writeTile(std::size_t tile, const float* target, const float* addend, float* out, float* outside) const {
    const std::size_t image = tile / (mTiling.rows * mTiling.columns);
    const std::size_t top = tile / mTiling.columns % mTiling.rows * mTiling.m;
    const std::size_t left = tile % mTiling.columns * mTiling.m;
    std::array<float*, 16> pixels;
    std::array<const float*, 16> addends;
    std::array<float*, 16> written;
    std::size_t count = 0;
    for (std::size_t p = 0; p < mTiling.m * mTiling.m; ++p) {
      const std::size_t y = top + p / mTiling.m;
      const std::size_t x = left + p % mTiling.m;
      const bool there = y < mTiling.outHeight && x < mTiling.outWidth;
      const std::size_t offset = ((image * mTiling.outHeight + y) * mTiling.outWidth + x) * mTiling.outputs;
      pixels[p] = there ? out + offset : outside;
      addends[p] = there && addend != nullptr ? addend + offset : mZeros.data();
      if (there) written[count++] = pixels[p];
    }
    mOutput(target, mTiling.block * mTiling.outputs,
            {pixels.data(), addend != nullptr ? addends.data() : nullptr, mBias.data(), mTiling.outputs, mLow, mHigh});
    if (!mHasRest) return;
    for (std::size_t i = 0; i < count; ++i) mPostOps.apply(written[i], mTiling.outputs);
  }

  Tiling mTiling;
  const WinogradTransforms& mTransforms;
  WinogradTransforms::Input mInput;
  WinogradTransforms::Output mOutput;
  std::vector<float> mBias;
  std::vector<float> mZeros;
  std::optional<std::size_t> mAddend;
  bool mAddendInPlace = false;
  float mLow = -std::numeric_limits<float>::infinity();
  float mHigh = std::numeric_limits<float>::infinity();
  bool mHasRest = false;
  PostOpChain mPostOps;  ///< after addition and bounds
  TensorDesc mOutputDesc;
  CountedActivation mCounted;
  std::size_t mThreads;  ///< that share a run
  Call mProduct;
  dnnl::memory mWeight;
  std::size_t mPadBytes = 0;
  std::string mProductName;
};

bool isOnes(std::span<const DimSize_t> values) {
  return std::all_of(values.begin(), values.end(), [](DimSize_t v) { return v == 1; });
}

bool isPossible(const KernelRequest& request) {
  const Operator& op = *request.op;
  if (op.role() != Role::Convolution || op.traits().spatial != 2 || op.attribute<std::int64_t>("groups") != 1) return false;
  const Dims& weight = request.inputs[1].dims;
  if (weight[2] != 3 || weight[3] != 3) return false;
  const SpatialWindow window = resolveWindow(op, request.inputs[0].dims, std::span<const DimSize_t>(weight).subspan(2));
  if (!isOnes(window.stride) || !isOnes(window.dilation)) return false;
  if (request.inputs[0].layout != Layout::ChannelsLast || request.outputs[0].layout != Layout::ChannelsLast) return false;
  if (!request.constants[1] || (request.present.size() > 2 && request.present[2] && !request.constants[2])) return false;
  for (std::size_t i = 0; i < request.postOps.size(); ++i) {
    const PostOp& postOp = request.postOps[i];
    if (postOp.kind == PostOp::Kind::Sum ? i > 0 : !ActivationFunction::supports(postOp.activation->type())) return false;
  }
  return true;
}

/// Whether F(m x m) is faster than the direct convolution: the transforms must be small beside the products, and the products big enough.
/// Measured by benchmark/convolution.py.
bool isProfitable(const Tiling& tiling) {
  return tiling.inputs >= kLeastChannels && tiling.outputs >= kLeastChannels && tiling.total >= kFewestTiles;
}

ConvolutionAccuracy accuracyOf(const KernelRequest& request) {
  if (request.options != nullptr) {
    if (const auto own = request.options->find(kConvolutionAccuracy); own != request.options->end())
      return parseConvolutionAccuracy("graph::compile", own->second);
  }
  return convolutionAccuracy();
}

}  // namespace

std::vector<KernelMaker> winogradKernels(const KernelRequest& request, bool all) {
  const ConvolutionAccuracy accuracy = accuracyOf(request);
  std::vector<KernelMaker> makers;
  if (accuracy == ConvolutionAccuracy::Direct || !isPossible(request)) return makers;
  for (const std::size_t m : {4, 2}) {
    if (m == 4 && accuracy != ConvolutionAccuracy::Fast) continue;
    if (all || isProfitable(tilingOf(request, m)))
      makers.emplace_back([&request, m] { return std::make_unique<WinogradKernel>(request, m); });
  }
  return makers;
}

}  // namespace Aidge::cpu::onednn
