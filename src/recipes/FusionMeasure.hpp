#pragma once
// What merging costs and errs, measured.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aidge/data/DataProvider.hpp"
#include "aidge/graph/GraphView.hpp"

namespace Aidge::detail {

/// Times graphs and parts of graphs: the median of `repeats` forward passes after two that are not counted. In seconds.
class LatencyMeter {
 public:
  /// Without a backend, or with no repeats, it measures nothing.
  LatencyMeter(std::string backend, std::size_t repeats) : mBackend(std::move(backend)), mRepeats(repeats) {}

  [[nodiscard]] bool isOn() const noexcept { return mRepeats > 0 && !mBackend.empty(); }
  /// A whole graph; nothing where it cannot run.
  [[nodiscard]] std::optional<double> graph(const GraphView& graph, const std::vector<Dims>& dims) const;
  /// Copies of some connected nodes, of which `heads` take the input. Nothing where it is off.
  [[nodiscard]] std::optional<double> nodes(const std::vector<NodePtr>& nodes, const std::vector<TensorRef>& heads,
                                            const Dims& input) const;

 private:
  [[nodiscard]] double run(const GraphViewPtr& compiled, const std::vector<Dims>& dims) const;

  std::string mBackend;
  std::size_t mRepeats;
};

/// Largest difference relative to the largest value, over all data.
struct MeasuredErrors {
  double outputs = 0.0;
  std::vector<double> nodes;
};

/// Runs both graphs over the data and compares their outputs, and the outputs of pairs of nodes (of `before`, of `after`). Throws
/// std::invalid_argument if there is no data.
[[nodiscard]] MeasuredErrors measureErrors(const GraphViewPtr& before, const GraphViewPtr& after,
                                           const std::vector<std::pair<NodePtr, NodePtr>>& nodes, DataProvider& data);

}  // namespace Aidge::detail
