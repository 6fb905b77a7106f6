#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "AlignedBuffer.hpp"
#include "Memory.hpp"
#include "Program.hpp"
#include "aidge/scheduler/SequentialScheduler.hpp"

namespace Aidge::plan {

/// A graph, or a stage of one, made ready to run for fixed input dims: kernels with packed weights and a place for every value.
class Plan {
 public:
  /// `inputs`: dims and type a graph input and a value of `stage.given`; `threads`: how many the backend uses. Sets the rest of `stage`. Throws as buildProgram does.
  Plan(GraphView& graph, const std::string& backend, const std::vector<TensorInfo>& inputs, const std::vector<NodePtr>& keep, int threads,
       Stage& stage);

  /// Runs the steps. `inputs`: one row-major tensor an input, of the plan's dims; `arena`: at least arenaBytes(). Returns the stage's results, and adds
  /// what is exported to `kept`. `seconds`: per step, accumulated; empty to disable timing. One run at a time.
  std::vector<Tensor> run(std::span<const Tensor> inputs, std::byte* arena, std::span<double> seconds, Results& kept);

  [[nodiscard]] std::size_t arenaBytes() const noexcept { return mMemory.arenaBytes; }
  [[nodiscard]] std::size_t nbSteps() const noexcept { return mTasks.size(); }
  /// `seconds`: what `run` was given.
  [[nodiscard]] PlanReport report(std::span<const double> seconds) const;

 private:
  struct Task {
    std::unique_ptr<Kernel> kernel;           ///< nullptr if the step is no kernel, or writes no element
    std::vector<SignAccumulator> signs;       ///< one a part and observer, while a segment runs
    std::vector<std::vector<double>> pooled;  ///< one an observer: (batch, channels), or empty
    DimSize_t turn = 0;                       ///< the part whose values are observed next
  };
  /// One thread's view of a segment.
  struct Lane {
    DimSize_t part = 0;
    DimSize_t parts = 1;
    std::byte* arena = nullptr;
    std::size_t shift = 0;  ///< from the first thread's local values and scratch to this one's
    std::vector<const void*> inputs;
    std::vector<void*> outputs;
  };

  void createKernels();
  /// Room for what a step's observers want pooled. Throws std::invalid_argument if the values are not float32 with a batch axis.
  [[nodiscard]] std::vector<std::vector<double>> makePooled(const Step& step) const;
  void dropPackedConstants();
  void bindValues(std::span<const Tensor> inputs, std::byte* arena);
  void runSegment(std::size_t index, std::byte* arena, std::span<double> seconds);
  void runParts(const Segment& segment, Lane lane, std::atomic<DimSize_t>& next, std::span<double> seconds);
  void runStep(std::size_t index, Lane& lane);
  void runKernel(std::size_t index, Lane& lane);
  void runSignActivation(std::size_t index, const Lane& lane);
  void observe(std::size_t index, const Lane& lane);
  /// Shows values to the observers when it is this part's turn, so that they see the batch in order whatever the threads do.
  void showValues(std::size_t index, const Lane& lane, const TensorView& values);
  /// Pools the lane's part for one observer.
  void poolValues(std::size_t index, std::size_t observer, const Lane& lane, const TensorView& values);
  /// Adds up the parts' sign summaries and hands them over; pooled values too.
  void deliver(std::size_t index, DimSize_t parts);
  void callHooks(const Step& step);
  [[nodiscard]] int lanesOf(const Segment& segment) const;
  /// Where the lane's part of a value lies now.
  [[nodiscard]] void* pointer(ValueId id, const Lane& lane) const;
  /// Multiply-accumulates of a step for the whole batch.
  [[nodiscard]] double macsOf(const Step& step) const;
  [[nodiscard]] Tensor tensorOf(ValueId id) const;
  std::vector<Tensor> exportResults(Results& kept);

  Program mProgram;
  MemoryPlan mMemory;
  std::vector<Task> mTasks;            ///< one a step
  std::vector<void*> mPointers;        ///< one a value, while running
  std::vector<std::size_t> mStrides;   ///< bytes of a value that is cut into parts where it lies, 0 for others
  std::vector<bool> mLocal;            ///< whether each thread has memory of its own for a value
  std::vector<Tensor> mTensors;        ///< one a value: inputs and exported ones, while running
  std::vector<std::size_t> mExported;  ///< values that get memory of their own at every run
  int mThreads = 1;
  std::mutex mTurnMutex;
  std::condition_variable mTurnChanged;
  std::exception_ptr mError;  ///< the first one of a segment
};

}  // namespace Aidge::plan
