#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "aidge/scheduler/AlignedBuffer.hpp"
#include "aidge/scheduler/Memory.hpp"
#include "aidge/scheduler/Program.hpp"
#include "aidge/scheduler/SequentialScheduler.hpp"

namespace Aidge::plan {

/// A graph made ready to run for fixed input dims: kernels with packed weights and a place for every value.
class Plan {
 public:
  /// `inputs`: dims and type a graph input. Throws as buildProgram does.
  Plan(GraphView& graph, const std::string& backend, const std::vector<TensorInfo>& inputs, const std::vector<NodePtr>& keep);

  /// Runs the steps. `inputs`: one row-major tensor a graph input, of the plan's dims; `arena`: at least arenaBytes(). Returns the graph's outputs and leaves
  /// exports in their operators. `profiling` adds up each step's seconds.
  std::vector<Tensor> run(std::span<const Tensor> inputs, std::byte* arena, bool profiling);

  [[nodiscard]] std::size_t arenaBytes() const noexcept { return mMemory.arenaBytes; }
  [[nodiscard]] PlanReport report() const;

 private:
  struct Task {
    std::unique_ptr<Kernel> kernel;      ///< nullptr where the step is no kernel
    std::vector<SignAccumulator> signs;  ///< one an observer that asks for a summary, while a segment runs
    double seconds = 0.0;
  };

  void createKernels();
  void dropPackedConstants();
  void bindValues(std::span<const Tensor> inputs, std::byte* arena);
  void runSegment(const Segment& segment, std::byte* arena, bool profiling);
  void runStep(std::size_t index, DimSize_t part, DimSize_t parts, std::byte* arena);
  void runKernel(std::size_t index, DimSize_t part, DimSize_t parts, std::byte* arena);
  void runSignActivation(std::size_t index, DimSize_t part, DimSize_t parts);
  void observeValues(std::size_t index, DimSize_t part, DimSize_t parts);
  void deliverSigns(std::size_t index);
  void callHooks(const Step& step);
  /// Where part `part` of a value lies now.
  [[nodiscard]] void* pointer(ValueId id, DimSize_t part, DimSize_t parts) const;
  [[nodiscard]] Tensor tensorOf(ValueId id) const;
  std::vector<Tensor> exportResults();

  Program mProgram;
  MemoryPlan mMemory;
  std::vector<Task> mTasks;            ///< one a step
  std::vector<void*> mPointers;        ///< one a value, while running
  std::vector<std::size_t> mStrides;   ///< bytes of a value that is cut into parts where it lies, 0 for others
  std::vector<Tensor> mTensors;        ///< one a value: inputs and exported ones, while running
  std::vector<std::size_t> mExported;  ///< values that get memory of their own at every run
  std::vector<const void*> mInputPointers;
  std::vector<void*> mOutputPointers;
};

}  // namespace Aidge::plan
