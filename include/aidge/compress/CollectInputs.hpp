#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "aidge/compress/CalibrationData.hpp"
#include "aidge/core/Export.hpp"
#include "aidge/graph/GraphView.hpp"
#include "aidge/statistics/Covariance.hpp"

namespace Aidge::compress {

/// A node's input, and what counts as one unit there.
struct InputUnits {
  NodePtr node;
  IOIndex_t input = 0;
  /// For each index of `axis` (or each feature of a sample, where an FC flattens) its unit, -1: none; empty: each channel is a unit of its own. Indices of the same unit are further positions of it, as the features
  /// behind a Flatten are.
  std::vector<std::int64_t> units;
  DimIdx_t axis = 1;  ///< the axis that the units lie on
};

/// Covariance between the units of the tensors that arrive at these inputs, over all samples and about `maxRows` of their positions (all, where they are
/// fewer). One an entry, in order; one pass over the data; memory is that of the covariances. Throws std::invalid_argument if nothing arrives at an input, units
/// do not fit its axis 1 or miss a number, or the graph is not compiled.
[[nodiscard]] AIDGE_EXPORT std::vector<statistics::Covariance> collectInputs(const GraphViewPtr& graph, CalibrationData& data,
                                                                             const std::vector<InputUnits>& inputs,
                                                                             std::size_t maxRows = 100'000);

}  // namespace Aidge::compress
