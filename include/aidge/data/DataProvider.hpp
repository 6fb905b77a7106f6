#pragma once

#include <optional>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/data/Tensor.hpp"

namespace Aidge {

/// A batch source: one tensor a modality, the leading ones feed the graph's inputs in order, extra ones (labels) are ignored.
class AIDGE_EXPORT DataProvider {
 public:
  virtual ~DataProvider() = default;
  /// Starts a fresh pass.
  virtual void reset() = 0;
  /// The next batch, or nothing at the end of the pass.
  [[nodiscard]] virtual std::optional<std::vector<Tensor>> next() = 0;
  /// Batches of one pass where that is known (for progress bars).
  [[nodiscard]] virtual std::optional<std::size_t> batchCount() const { return std::nullopt; }
};

/// Batches cut from arrays held in memory, in order; the last one may be smaller.
class AIDGE_EXPORT TensorDataProvider final : public DataProvider {
 public:
  /// `arrays`: one a modality, all of the same first dimension (samples). Throws std::invalid_argument if they differ, or batchSize is 0.
  TensorDataProvider(std::vector<Tensor> arrays, std::size_t batchSize, bool dropLast = false);
  void reset() override { mPosition = 0; }
  [[nodiscard]] std::optional<std::vector<Tensor>> next() override;
  [[nodiscard]] std::optional<std::size_t> batchCount() const override;

 private:
  std::vector<Tensor> mArrays;
  std::size_t mBatchSize;
  bool mDropLast;
  std::size_t mSamples = 0;
  std::size_t mPosition = 0;
};

}  // namespace Aidge
