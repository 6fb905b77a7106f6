#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <vector>

#include "StagedPlan.hpp"
#include "aidge/graph/GraphView.hpp"

namespace Aidge::plan {

/// What a plan was made for, besides the graph as it is.
struct PlanKey {
  std::vector<Dims> dims;  ///< one a graph input
  std::vector<NodePtr> keep;
  int threads = 0;
  int options = 0;

  friend bool operator==(const PlanKey&, const PlanKey&) = default;
};

/// A plan that nobody else runs while this lives.
class PlanLease {
 public:
  PlanLease(std::shared_ptr<StagedPlan> plan, std::shared_ptr<std::atomic<bool>> busy) : mPlan(std::move(plan)), mBusy(std::move(busy)) {}
  ~PlanLease() { mBusy->store(false); }
  PlanLease(const PlanLease&) = delete;
  PlanLease& operator=(const PlanLease&) = delete;

  [[nodiscard]] const std::shared_ptr<StagedPlan>& plan() const noexcept { return mPlan; }

 private:
  std::shared_ptr<StagedPlan> mPlan;
  std::shared_ptr<std::atomic<bool>> mBusy;
};

/// The plans of one graph, which all its schedulers share. Thread-safe.
class PlanPool {
 public:
  /// The graph's pool, which lives as long as the graph.
  [[nodiscard]] static std::shared_ptr<PlanPool> of(GraphView& graph);
  /// An idle plan for this key, else a new one. Plans of former versions of the graph are dropped, and so are the least recently used ones.
  /// Throws as Plan does.
  [[nodiscard]] std::unique_ptr<PlanLease> take(GraphView& graph, const PlanKey& key, const std::vector<TensorInfo>& inputs);

 private:
  struct Entry {
    PlanKey key;
    std::shared_ptr<StagedPlan> plan;
    std::shared_ptr<std::atomic<bool>> busy;
  };

  [[nodiscard]] std::unique_ptr<PlanLease> takeIdle(std::uint64_t version, const PlanKey& key);

  std::mutex mMutex;
  std::list<Entry> mEntries;  ///< most recently used first
  std::uint64_t mVersion = 0;
};

}  // namespace Aidge::plan
