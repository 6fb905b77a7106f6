#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/data/DataProvider.hpp"
#include "aidge/fibnlr/Attributes.hpp"
#include "aidge/fibnlr/Parameters.hpp"
#include "aidge/graph/GraphView.hpp"

namespace Aidge::fibnlr {

/// Why compute ended.
enum class StopReason : std::uint8_t { Converged, MaxIteration, OutOfData, Stopped };
/// "converged", "max_iteration", "out_of_data", "stopped".
[[nodiscard]] AIDGE_EXPORT std::string_view toString(StopReason reason);

/// What compute did.
struct Convergence {
  std::vector<double> values;  ///< sum over the nodes of (NPR_k - NPR_{k-1})^2, one an iteration from the second on
  bool converged = false;      ///< the last value was < convergenceThreshold
  std::size_t iterations = 0;  ///< batches run
  StopReason reason = StopReason::OutOfData;
  std::size_t samples = 0;  ///< sum of the batch sizes

  friend bool operator==(const Convergence&, const Convergence&) = default;
};

/// State after an iteration.
struct Progress {
  std::size_t iteration = 0;          ///< from 1
  std::optional<double> convergence;  ///< from the second iteration on
  std::size_t samples = 0;
  std::optional<std::size_t> batches;  ///< of one pass over the provider, where it knows
};
/// Called after every iteration; false asks compute to stop (StopReason::Stopped). What it throws ends compute as a failure.
using ProgressCallback = std::function<bool(const Progress&)>;

/// Step 2: runs batches of a fresh pass over `provider` until converged, `maxIteration` or out of data, on top of the NPRs that are there,
/// then groups and NNPRs as computeNNPR. Re-attaches observers that prune has taken off.
/// Throws std::invalid_argument: not prepared, not compiled, an empty provider, a batch that does not fit, NaN or infinity in the data
/// (naming the node and the batch's index, from 0). After any failure all attributes are as before the call.
AIDGE_EXPORT Convergence compute(const GraphViewPtr& model, DataProvider& provider, const Parameters& params = {},
                                 const ProgressCallback& progress = {});

/// (value < threshold, value) with value = sum over the nodes of (current - previous)^2; (false, 0) where the maps are empty or do not hold
/// the same nodes.
[[nodiscard]] AIDGE_EXPORT std::pair<bool, double> computeConvergence(const NodeMap<double>& previous, const NodeMap<double>& current,
                                                                      double threshold = 1e-6);

}  // namespace Aidge::fibnlr
