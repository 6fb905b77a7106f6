#include "aidge/compress/CalibrationData.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "aidge/core/Errors.hpp"
#include "aidge/data/Finite.hpp"

namespace Aidge::compress {

namespace {

constexpr std::string_view kWhereCalibrationData = "compress::CalibrationData";

/// FNV-1a over words of eight bytes.
std::uint64_t checksum(std::span<const Tensor> batch) {
  std::uint64_t sum = 14695981039346656037U;
  const auto mix = [&sum](std::uint64_t word) { sum = (sum ^ word) * 1099511628211U; };
  for (const Tensor& tensor : batch) {
    for (const DimSize_t dim : tensor.dims()) mix(static_cast<std::uint64_t>(dim));
    const auto* bytes = static_cast<const unsigned char*>(tensor.rawData());
    const std::size_t size = tensor.bytes();
    for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes + at, std::min(sizeof(word), size - at));
      mix(word);
    }
  }
  return sum;
}

}  // namespace

CalibrationData::CalibrationData(const GraphView& graph, DataProvider& provider, std::size_t memory)
    : mProvider(&provider), mInputs(graph.inputs().size()) {
  read(graph, memory);
}

std::vector<Tensor> CalibrationData::take(const std::vector<Tensor>& batch) const {
  if (batch.size() < mInputs) {
    throwExpected(kWhereCalibrationData, "batches of " + std::to_string(mInputs) + " inputs", std::to_string(batch.size()) + " entries");
  }
  return {batch.begin(), batch.begin() + static_cast<std::ptrdiff_t>(mInputs)};
}

void CalibrationData::read(const GraphView& graph, std::size_t memory) {
  ++mPasses;
  mProvider->reset();
  while (const auto entries = mProvider->next()) {
    std::vector<Tensor> batch = take(*entries);
    const std::size_t index = mFirstSamples.size();
    const std::size_t samples = batch.empty() || batch[0].nbDims() == 0 ? 0 : static_cast<std::size_t>(batch[0].dims()[0]);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const std::string place = "input \"" + graph.inputs()[i].name + "\" of batch " + std::to_string(index) + " (from 0)";
      if (batch[i].nbDims() == 0 || static_cast<std::size_t>(batch[i].dims()[0]) != samples || samples == 0) {
        throwExpected(kWhereCalibrationData, "as many samples at every input", toString(batch[i].dims()) + " at " + place);
      }
      if (!allFinite(batch[i])) throwExpected(kWhereCalibrationData, "finite values", "NaN or infinity at " + place);
    }
    if (index == 0) {
      for (const Tensor& tensor : batch) mDims.push_back(tensor.dims());
    }
    mFirstSamples.push_back(mSamples);
    mSamples += samples;
    mChecksums.push_back(checksum(batch));
    for (Tensor& tensor : batch) {
      mBytes += tensor.bytes();
      if (mIsKept && mBytes <= memory) tensor = tensor.clone();  // the provider may use its memory again
    }
    mIsKept = mIsKept && mBytes <= memory;
    if (mIsKept) mBatches.push_back(std::move(batch));
  }
  if (mFirstSamples.empty()) throwExpected(kWhereCalibrationData, "a provider with at least one batch", "an empty one");
  if (mIsKept) return;
  mBatches.clear();
  mBytes = 0;
}

std::size_t CalibrationData::samplesOf(std::size_t batch) const {
  return (batch + 1 < mFirstSamples.size() ? mFirstSamples[batch + 1] : mSamples) - mFirstSamples[batch];
}

void CalibrationData::forEachIndex(const std::function<void(const Batch&)>& use) const {
  for (std::size_t i = 0; i < mFirstSamples.size(); ++i) {
    if (mInterrupt) mInterrupt();
    use({i, mFirstSamples[i], samplesOf(i), {}});
  }
}

void CalibrationData::forEach(const std::function<void(const Batch&)>& use) {
  if (mIsKept) {
    return forEachIndex([&](const Batch& batch) { use({batch.index, batch.firstSample, batch.samples, mBatches[batch.index]}); });
  }
  ++mPasses;
  mProvider->reset();
  std::size_t index = 0;
  while (const auto entries = mProvider->next()) {
    const std::vector<Tensor> batch = take(*entries);
    if (index >= mChecksums.size() || checksum(batch) != mChecksums[index]) {
      throwExpected(kWhereCalibrationData, "the same batches at every pass (no shuffling, or more memory)",
                    "other ones at batch " + std::to_string(index));
    }
    use({index, mFirstSamples[index], samplesOf(index), batch});
    ++index;
  }
  if (index != mChecksums.size()) {
    throwExpected(kWhereCalibrationData, std::to_string(mChecksums.size()) + " batches at every pass", std::to_string(index));
  }
}

}  // namespace Aidge::compress
