#include "aidge/compress/CollectInputs.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <span>
#include <string>

#include "Patches.hpp"
#include "Replay.hpp"
#include "aidge/core/Errors.hpp"

namespace Aidge::compress {

namespace {

constexpr std::string_view kWhereCollectInputs = "compress::collectInputs";

/// Rows of one tensor's units.
class UnitRows {
 public:
  explicit UnitRows(const InputUnits& input) : mName(input.node->describe()) {
    for (std::size_t i = 0; i < input.units.size(); ++i) {
      if (input.units[i] < 0) continue;
      const auto unit = static_cast<std::size_t>(input.units[i]);
      if (unit >= input.units.size())
        throwExpected(kWhereCollectInputs, "units below the number of channels at " + mName, std::to_string(unit));
      mPlaces.resize(std::max(mPlaces.size(), unit + 1));
      mPlaces[unit].push_back(i);
    }
    mAxis = input.units.size();
    mUnitAxis = input.axis;
  }

  void add(const Tensor& tensor, std::size_t firstSample, std::size_t samples, std::size_t maxRows) {
    const Dims& dims = tensor.dims();
    if (dims.size() <= mUnitAxis || tensor.dataType() != DataType::Float32) {
      throwExpected(kWhereCollectInputs, "a float32 tensor (samples, channels, …) at " + mName, toString(dims));
    }
    const auto batch = static_cast<std::size_t>(dims[0]);
    const std::size_t features = elementCount(Dims(dims.begin() + 1, dims.end()));
    begin(mAxis == features ? features : static_cast<std::size_t>(dims[mUnitAxis]));
    const std::size_t area = features / mAxis;
    const std::size_t inner =
        mAxis == features ? 1 : elementCount(Dims(dims.begin() + static_cast<std::ptrdiff_t>(mUnitAxis) + 1, dims.end()));
    const PositionSampler sampler(samples, area * mOccurrences, maxRows);
    const std::span<const float> values = tensor.data<float>();
    const std::size_t units = mPlaces.size();
    for (std::size_t n = 0; n < batch; ++n) {
      const std::vector<std::size_t> positions = sampler.of(firstSample + n);
      const float* sample = values.data() + n * mAxis * area;
      mRows.resize(positions.size() * units);
      for (std::size_t r = 0; r < positions.size(); ++r) {
        const std::size_t occurrence = positions[r] / area;
        const std::size_t place = positions[r] % area;
        const float* position = sample + place / inner * mAxis * inner + place % inner;
        for (std::size_t u = 0; u < units; ++u) mRows[r * units + u] = position[mPlaces[u][occurrence] * inner];
      }
      mCovariance.add(std::span<const float>(mRows), units);
    }
  }

  statistics::Covariance finish() {
    mCovariance.flush();
    return std::move(mCovariance);
  }

 private:
  void begin(std::size_t channels) {
    if (mAxis == 0) {
      mAxis = channels;
      mPlaces.resize(channels);
      for (std::size_t c = 0; c < channels; ++c) mPlaces[c] = {c};
    }
    if (channels != mAxis) {
      throwExpected(kWhereCollectInputs, "units for the " + std::to_string(channels) + " channels at " + mName, std::to_string(mAxis));
    }
    mOccurrences = std::numeric_limits<std::size_t>::max();
    for (const auto& places : mPlaces) mOccurrences = std::min(mOccurrences, places.size());
    if (mPlaces.empty() || mOccurrences == 0) throwExpected(kWhereCollectInputs, "each unit at " + mName + " at least once", "gaps");
  }

  std::string mName;
  std::size_t mAxis = 0;  ///< extent of the axis that the units lie on
  DimIdx_t mUnitAxis = 1;
  std::size_t mOccurrences = 0;
  std::vector<std::vector<std::size_t>> mPlaces;  ///< of each unit, the indices of the axis
  std::vector<float> mRows;
  statistics::Covariance mCovariance;
};

}  // namespace

std::vector<statistics::Covariance> collectInputs(const GraphViewPtr& graph, CalibrationData& data, const std::vector<InputUnits>& inputs,
                                                  std::size_t maxRows) {
  if (!graph || graph->backend().empty())
    throwExpected(kWhereCollectInputs, "a graph that has been compiled", graph ? "one without a backend" : "none");
  std::vector<TensorRef> tensors;
  std::vector<UnitRows> rows;
  for (const InputUnits& input : inputs) {
    if (!graph->contains(input.node))
      throwExpected(kWhereCollectInputs, "nodes of the graph", input.node ? input.node->describe() : "none");
    const auto tensor = tensorAt(*graph, input.node, input.input);
    if (!tensor)
      throwExpected(kWhereCollectInputs, "a tensor at input " + std::to_string(input.input) + " of " + input.node->describe(), "none");
    tensors.push_back(*tensor);
    rows.emplace_back(input);
  }
  if (inputs.empty()) return {};
  Replay replay(graph, data, 0);
  const std::array<Replay*, 1> replays{&replay};
  inLockStep(data, replays, std::span(&tensors, 1), [&](std::size_t firstSample, std::span<const std::vector<Tensor>> results) {
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i].add(results[0][i], firstSample, data.samples(), maxRows);
  });
  std::vector<statistics::Covariance> covariances;
  for (UnitRows& each : rows) covariances.push_back(each.finish());
  return covariances;
}

}  // namespace Aidge::compress
