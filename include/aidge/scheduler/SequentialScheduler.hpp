#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/data/Tensor.hpp"
#include "aidge/graph/GraphView.hpp"

namespace Aidge {

/// One step of a plan, for reports.
struct AIDGE_EXPORT StepReport {
  std::string node;                ///< name of the main node
  std::string type;                ///< its operator type
  std::vector<std::string> fused;  ///< names of the nodes that run inside this step
  std::string implementation;
  DimSize_t parts = 1;   ///< into how many parts of the batch it is cut
  double macs = 0.0;     ///< multiply-accumulates of one pass
  double seconds = 0.0;  ///< added up while profiling is on; where threads take parts of their own, their mean
};

struct PlanReport {
  std::vector<StepReport> steps;
  std::size_t arenaBytes = 0;   ///< reused intermediate memory
  std::size_t weightBytes = 0;  ///< packed constants
};

/// Runs a compiled graph. Notices every edit of the graph (version) and makes its plans anew. The schedulers of a graph share its plans, one an
/// input shape; where two run at the same time, each has its own.
class AIDGE_EXPORT SequentialScheduler {
 public:
  /// Throws std::invalid_argument if the graph has no backend (compile or setBackend first).
  explicit SequentialScheduler(GraphViewPtr graph);
  ~SequentialScheduler();
  SequentialScheduler(SequentialScheduler&&) noexcept;
  SequentialScheduler& operator=(SequentialScheduler&&) noexcept;

  /// One pass. `data`: one tensor a graph input in order (extra trailing ones, labels for instance, are ignored); empty: the inputs' last data.
  /// Returns the graph outputs in order, row-major, and publishes them at the operators' outputs: each tensor is that of the run that finished last, whole,
  /// whatever other schedulers of the graph do in other threads. What this scheduler's own last run left is told by `output`. Throws std::invalid_argument if a tensor
  /// does not fit its input (says which entry looked like what).
  std::vector<Tensor> forward(std::span<const Tensor> data);
  /// Keeps these nodes' outputs at every forward (empty: none besides graph outputs and hooked nodes).
  void keepOutputs(std::vector<NodePtr> nodes);
  /// The tensor that this scheduler's last forward left of a graph output or a node of keepOutputs. Throws std::invalid_argument for any other.
  [[nodiscard]] Tensor output(const NodePtr& node, IOIndex_t index = 0) const;
  /// Times every step from now on (adds a little overhead).
  void setProfiling(bool on);
  [[nodiscard]] const GraphViewPtr& graph() const noexcept;
  /// Of the plan that ran last (empty before the first forward).
  [[nodiscard]] PlanReport report() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> mImpl;
};

}  // namespace Aidge
