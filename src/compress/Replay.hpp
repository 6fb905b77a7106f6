// Private to compress: runs parts of a graph over the calibration data, from tensors that are kept of an earlier part.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "aidge/compress/CalibrationData.hpp"
#include "aidge/graph/GraphShapes.hpp"
#include "aidge/graph/GraphView.hpp"
#include "aidge/scheduler/SequentialScheduler.hpp"

namespace Aidge::compress {

/// The tensor that arrives at a node's input, with no node the graph input of that index; nothing if nothing arrives.
[[nodiscard]] std::optional<TensorRef> tensorAt(const GraphView& graph, const NodePtr& node, IOIndex_t input);

/// Tensors of all calibration batches at the places where a graph has been cut: what is behind is computed from them.
class Replay {
 public:
  /// Up to `memory` bytes of tensors are kept. Throws std::invalid_argument if the data does not fit the graph.
  Replay(GraphViewPtr graph, CalibrationData& data, std::size_t memory);

  /// A part of the graph, ready to run.
  class Part {
   public:
    /// The tensors asked for, in order. `inputs`: the batch, unused where the part begins behind the graph inputs.
    [[nodiscard]] std::vector<Tensor> run(const CalibrationData::Batch& batch);

   private:
    friend class Replay;
    const Replay* mReplay = nullptr;
    GraphViewPtr mGraph;
    std::unique_ptr<SequentialScheduler> mScheduler;
    std::vector<std::size_t> mFeeds;                     ///< of mReplay->mLive, one an input of mGraph
    std::vector<std::pair<bool, std::size_t>> mResults;  ///< (is live, index of mLive or of an output)
  };
  /// Computes `tensors` with the weights that the graph has now.
  [[nodiscard]] Part part(const std::vector<TensorRef>& tensors) const;

  /// Moves the cut to right before `node` in topological order, where its tensors fit into the memory. Weights before it must not change any more.
  void advanceTo(const NodePtr& node);
  /// True if a part needs the batches themselves.
  [[nodiscard]] bool needsData() const noexcept { return !mIsKept; }
  /// Place in topological order.
  [[nodiscard]] std::size_t position(const NodePtr& node) const { return mPositions.at(node.get()); }
  [[nodiscard]] const GraphViewPtr& graph() const noexcept { return mGraph; }

 private:
  [[nodiscard]] std::vector<TensorRef> liveBefore(std::size_t position) const;
  [[nodiscard]] double bytesOf(const std::vector<TensorRef>& tensors) const;
  [[nodiscard]] std::vector<NodePtr> nodesOf(const std::vector<TensorRef>& outputs) const;
  [[nodiscard]] Dims dimsOf(const TensorRef& tensor) const;
  [[nodiscard]] DataType dtypeOf(const TensorRef& tensor) const;

  GraphViewPtr mGraph;
  CalibrationData* mData;
  std::size_t mMemory;
  std::vector<NodePtr> mOrder;
  std::unordered_map<const Node*, std::size_t> mPositions;
  GraphShapes mShapes;
  std::vector<TensorRef> mLive;               ///< where the graph is cut
  std::vector<std::vector<Tensor>> mTensors;  ///< one entry a batch, if mIsKept
  bool mIsKept = false;
  std::size_t mCut = 0;
};

/// Runs parts of several replays side by side: `use` gets their tensors batch by batch; of the batches that `isWanted` (all without it).
void inLockStep(CalibrationData& data, std::span<Replay* const> replays, std::span<const std::vector<TensorRef>> tensors,
                const std::function<void(std::size_t firstSample, std::span<const std::vector<Tensor>>)>& use,
                const std::function<bool(std::size_t batch)>& isWanted = {});

}  // namespace Aidge::compress
