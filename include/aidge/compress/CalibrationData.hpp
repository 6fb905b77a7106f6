#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/data/DataProvider.hpp"
#include "aidge/graph/GraphView.hpp"

namespace Aidge::compress {

/// Calibration samples that are gone over many times: kept in memory while they fit, read from the provider again otherwise.
class AIDGE_EXPORT CalibrationData {
 public:
  /// Reads `provider` once; `graph` says how many inputs a batch has. Up to `memory` bytes are kept. The provider must outlive this.
  /// Throws std::invalid_argument if there is no batch, entries are missing or of different numbers of samples, or a value is NaN or infinite (naming
  /// input and batch).
  CalibrationData(const GraphView& graph, DataProvider& provider, std::size_t memory = kDefaultMemory);
  static constexpr std::size_t kDefaultMemory = std::size_t{1} << 31;

  /// One batch: its index, the number of the first sample in it, how many it has, and the graph inputs.
  struct Batch {
    std::size_t index = 0;
    std::size_t firstSample = 0;
    std::size_t samples = 0;
    std::span<const Tensor> inputs;
  };
  /// Calls `use` for every batch, in order. Throws std::invalid_argument if a second pass over the provider gives other batches than the first one.
  void forEach(const std::function<void(const Batch&)>& use);

  /// Calls `use` for every batch without its inputs, which are not read again.
  void forEachIndex(const std::function<void(const Batch&)>& use) const;
  /// What is called before every batch from now on, to end a long call by an exception.
  void setInterrupt(std::function<void()> interrupt) { mInterrupt = std::move(interrupt); }

  [[nodiscard]] std::size_t samples() const noexcept { return mSamples; }
  [[nodiscard]] std::size_t batches() const noexcept { return mFirstSamples.size(); }
  /// Dims of the graph inputs in the first batch.
  [[nodiscard]] const std::vector<Dims>& dims() const noexcept { return mDims; }
  /// Passes over the provider so far.
  [[nodiscard]] std::size_t passes() const noexcept { return mPasses; }
  /// Bytes that are kept.
  [[nodiscard]] std::size_t bytes() const noexcept { return mBytes; }

 private:
  void read(const GraphView& graph, std::size_t memory);
  [[nodiscard]] std::size_t samplesOf(std::size_t batch) const;
  [[nodiscard]] std::vector<Tensor> take(const std::vector<Tensor>& batch) const;

  DataProvider* mProvider;
  std::function<void()> mInterrupt;
  std::size_t mInputs;
  std::size_t mSamples = 0;
  std::size_t mPasses = 0;
  std::size_t mBytes = 0;
  bool mIsKept = true;  ///< mBatches holds all of them
  std::vector<Dims> mDims;
  std::vector<std::size_t> mFirstSamples;
  std::vector<std::uint64_t> mChecksums;
  std::vector<std::vector<Tensor>> mBatches;
};

}  // namespace Aidge::compress
