#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "AlignedBuffer.hpp"
#include "Plan.hpp"
#include "aidge/backend/GenericKernels.hpp"

namespace Aidge::plan {

/// A graph made ready to run for fixed input dims. Mostly one plan. Where only a run tells the dims of a node's outputs (NonZero, Loop …) there is one up to that
/// node; the node runs, and for each combination of dims that it then brings about there is a plan of what follows.
class StagedPlan {
  struct Part;

 public:
  /// What one scheduler keeps of its last run.
  struct Trace {
    std::vector<std::shared_ptr<const Part>> parts;                      ///< the stages that ran
    std::map<std::shared_ptr<const Part>, std::vector<double>> seconds;  ///< one a step, added up while profiling
    Results results;                                                     ///< of the nodes whose outputs are kept
  };

  /// Plans the first stage. Arguments and errors as Plan has them; `graph` must have a backend.
  StagedPlan(GraphView& graph, const std::vector<TensorInfo>& inputs, std::vector<NodePtr> keep, int threads);

  /// One pass: the graph's outputs in order. `graph`: the one that it was made for, unchanged. Makes `arena` bigger where it has to. One run at a time. Errors of
  /// kernels, and those of planning the later stages.
  std::vector<Tensor> run(GraphView& graph, std::span<const Tensor> inputs, AlignedBuffer& arena, bool profiling, Trace& trace);
  [[nodiscard]] static PlanReport report(const Trace& trace);

 private:
  /// One stage for one combination of dims.
  struct Part {
    std::vector<TensorInfo> inputs;  ///< of the stage: what it was planned for
    Stage stage;
    std::unique_ptr<Plan> plan;
    NodePtr waiting;                        ///< the node after it, nullptr for the last stage
    std::unique_ptr<GenericKernel> kernel;  ///< of the waiting node, where that is generic
    std::vector<TensorRef> needed;          ///< what later stages need of all before them, the waiting node's outputs included
    std::list<std::shared_ptr<Part>> next;  ///< most recently used first
  };
  using Made = std::map<TensorRef, Tensor>;

  void plan(GraphView& graph, Part& part) const;
  static void prepareWaiting(const GraphView& graph, Part& part);
  static void runWaiting(const GraphView& graph, Part& part, std::span<const Tensor> graphInputs, Made& made);
  /// The stage after `part` for what has been made, planned now if it has not been before. Appends its tensors to `fed`.
  std::shared_ptr<Part> nextStage(GraphView& graph, Part& part, const Made& made, std::vector<Tensor>& fed) const;

  std::vector<NodePtr> mKeep;
  int mThreads;
  std::shared_ptr<Part> mFirst;
};

}  // namespace Aidge::plan
