#include "CountingConvolution.hpp"

#include <omp.h>

#include <algorithm>
#include <stdexcept>

#include "../SignActivation.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::cpu::onednn {

namespace {

/// What a thread's share of a piece's result may take in the second-level cache.
constexpr DimSize_t kPieceBytes = 512 * 1024;
/// Pixels that a piece needs for its product to be fast.
constexpr DimSize_t kLeastPixels = 128;
/// Inputs of a convolution; what follows comes from post-ops and has the result's dims.
constexpr std::size_t kOwnInputs = 3;

bool isAll(std::span<const DimSize_t> values, DimSize_t wanted) {
  return std::all_of(values.begin(), values.end(), [&](DimSize_t v) { return v == wanted; });
}

/// Whether each pixel of the result depends on the same pixel of the data, and pixels follow each other in memory.
bool isPointwise(const KernelRequest& request) {
  const std::span<const DimSize_t> kernel = std::span<const DimSize_t>(request.inputs[1].dims).subspan(2);
  const SpatialWindow window = resolveWindow(*request.op, request.inputs[0].dims, kernel);
  return isAll(kernel, 1) && isAll(window.stride, 1) && isAll(window.padBegin, 0) && isAll(window.padEnd, 0) &&
         request.inputs[0].layout == Layout::ChannelsLast && request.outputs[0].layout == Layout::ChannelsLast;
}

/// The largest divisor of `rows` that is not above `most`, at least 1.
DimSize_t divisor(DimSize_t rows, DimSize_t most) {
  DimSize_t best = std::max<DimSize_t>(1, std::min(rows, most));
  while (rows % best != 0) --best;
  return best;
}

/// `rows` rows of pixels of one image.
Dims pieceDims(Dims dims, DimSize_t rows) {
  dims[0] = 1;
  dims[2] = rows;
  return dims;
}

}  // namespace

CountingConvolution::Pieces CountingConvolution::piecesOf(const KernelRequest& request, bool transposed) {
  Pieces pieces{request, 1};
  pieces.request.counted = {};
  const Dims& out = request.outputs[0].dims;
  if (transposed || out.size() < 4 || !isPointwise(request) || request.outputs[0].elements() == 0) return pieces;
  const DimSize_t rows = out[0] * out[2];
  const DimSize_t pixels = static_cast<DimSize_t>(request.outputs[0].elements()) / out[1] / rows;
  const DimSize_t rowBytes = pixels * out[1] * static_cast<DimSize_t>(sizeof(float));
  const DimSize_t own = divisor(rows, kPieceBytes * omp_get_max_threads() / rowBytes);
  if (own * pixels < kLeastPixels || own == rows) return pieces;
  pieces.count = static_cast<std::size_t>(rows / own);
  pieces.request.inputs[0].dims = pieceDims(request.inputs[0].dims, own);
  pieces.request.outputs[0].dims = pieceDims(out, own);
  for (std::size_t i = kOwnInputs; i < request.inputs.size(); ++i) pieces.request.inputs[i].dims = pieces.request.outputs[0].dims;
  return pieces;
}

CountingConvolution::CountingConvolution(const KernelRequest& request, bool transposed)
    : CountingConvolution(request, piecesOf(request, transposed), transposed) {}

CountingConvolution::CountingConvolution(const KernelRequest& request, Pieces pieces, bool transposed)
    : mCounted(request.counted),
      mPieces(pieces.count),
      mOutput(pieces.request.outputs[0]),
      mInputBytes(request.inputs.size(), 0),
      mInner(pieces.request, transposed) {
  mInputBytes[0] = pieces.request.inputs[0].bytes();
  for (std::size_t i = kOwnInputs; i < mInputBytes.size(); ++i) mInputBytes[i] = pieces.request.inputs[i].bytes();
}

void CountingConvolution::run(std::span<const void* const> /*inputs*/, std::span<void* const> /*outputs*/, std::byte* /*scratch*/) {
  throw std::logic_error("[backend::run] expected runCounting of a convolution that counts signs");
}

void CountingConvolution::runCounting(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte* scratch,
                                      SignAccumulator& signs) {
  std::vector<const void*> from(inputs.begin(), inputs.end());
  void* to = outputs[0];
  for (std::size_t piece = 0; piece < mPieces; ++piece) {
    mInner.run(from, {&to, 1}, scratch);
    signActivation(static_cast<const float*>(to), static_cast<float*>(to), mOutput.dims, mOutput.layout, mCounted.op, mCounted.upper,
                   signs);
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (mInputBytes[i] != 0 && from[i] != nullptr) from[i] = static_cast<const std::byte*>(from[i]) + mInputBytes[i];
    }
    to = static_cast<std::byte*>(to) + mOutput.bytes();
  }
}

}  // namespace Aidge::cpu::onednn
