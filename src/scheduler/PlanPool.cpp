#include "PlanPool.hpp"

#include <unordered_map>

namespace Aidge::plan {

namespace {

/// Plans are kept for this many combinations of input shapes, kept outputs and thread counts.
constexpr std::size_t kMostPlans = 6;

}  // namespace

namespace {

/// The pools of all graphs that live. It is never destroyed: a graph may outlive the static objects.
struct Pools {
  std::mutex mutex;
  std::unordered_map<const GraphView*, std::shared_ptr<PlanPool>> ofGraph;
};

Pools& pools() {
  static auto* instance = new Pools();
  return *instance;
}

/// The pool is destroyed outside of the lock: its plans may hold the last handles of other graphs.
void forget(const GraphView* graph) {
  std::shared_ptr<PlanPool> last;
  const std::lock_guard lock(pools().mutex);
  const auto found = pools().ofGraph.find(graph);
  last = std::move(found->second);
  pools().ofGraph.erase(found);
}

}  // namespace

std::shared_ptr<PlanPool> PlanPool::of(GraphView& graph) {
  const std::lock_guard lock(pools().mutex);
  std::shared_ptr<PlanPool>& pool = pools().ofGraph[&graph];
  if (!pool) {
    pool = std::make_shared<PlanPool>();
    graph.atEnd([key = &graph] { forget(key); });
  }
  return pool;
}

std::unique_ptr<PlanLease> PlanPool::take(GraphView& graph, const PlanKey& key, const std::vector<TensorInfo>& inputs) {
  const std::uint64_t version = graph.version();
  if (auto lease = takeIdle(version, key)) return lease;
  const auto plan = std::make_shared<StagedPlan>(graph, inputs, key.keep, key.threads);
  const auto busy = std::make_shared<std::atomic<bool>>(true);
  const std::lock_guard lock(mMutex);
  if (mVersion == version) mEntries.push_front({key, plan, busy});
  if (mEntries.size() > kMostPlans) mEntries.pop_back();
  return std::make_unique<PlanLease>(plan, busy);
}

std::unique_ptr<PlanLease> PlanPool::takeIdle(std::uint64_t version, const PlanKey& key) {
  const std::lock_guard lock(mMutex);
  if (mVersion != version) mEntries.clear();
  mVersion = version;
  for (auto entry = mEntries.begin(); entry != mEntries.end(); ++entry) {
    if (!(entry->key == key) || entry->busy->exchange(true)) continue;
    mEntries.splice(mEntries.begin(), mEntries, entry);
    return std::make_unique<PlanLease>(entry->plan, entry->busy);
  }
  return nullptr;
}

}  // namespace Aidge::plan
