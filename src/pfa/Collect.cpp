#include "aidge/pfa/Collect.hpp"

#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "aidge/core/Errors.hpp"
#include "aidge/scheduler/SequentialScheduler.hpp"

namespace Aidge::pfa {

namespace {

constexpr std::string_view kWhere = "pfa::collectResponses";

/// Adds a layer's pooled responses to its covariance.
class ResponseObserver final : public Observer {
 public:
  ResponseObserver(std::string layer, Pooling pooling) : mLayer(std::move(layer)), mPooling(pooling) {}
  [[nodiscard]] Request request() const override { return Request::PooledValues; }
  [[nodiscard]] Pooling pooling() const override { return mPooling; }
  using Observer::observe;
  void observe(const PooledValues& responses) override {
    try {
      mCovariance.add(responses.values, responses.channels);
    } catch (const std::invalid_argument& error) {
      throwInvalid(kWhere, "layer \"" + mLayer + "\": " + error.what());
    }
  }
  statistics::Covariance& covariance() { return mCovariance; }

 private:
  std::string mLayer;
  Pooling mPooling;
  statistics::Covariance mCovariance;
};

/// Observers on the layers, for as long as this lives.
class Observers {
 public:
  Observers(const GraphViewPtr& model, std::span<const NodePtr> layers, Pooling pooling) {
    const std::vector<NodePtr> known = model->orderedNodesDeep();
    const std::set<NodePtr> nodes(known.begin(), known.end());
    std::set<NodePtr> seen;
    if (layers.empty()) throwExpected(kWhere, "at least one layer", "none");
    for (const NodePtr& layer : layers) {
      if (!layer || !nodes.contains(layer)) throwExpected(kWhere, "nodes of the graph", layer ? layer->describe() : "none");
      if (!seen.insert(layer).second) throwExpected(kWhere, "each layer once", layer->describe() + " twice");
    }
    for (const NodePtr& layer : layers) {
      mObservers.push_back(std::make_shared<ResponseObserver>(layer->name(), pooling));
      mHandles.push_back(layer->addOutputObserver(0, mObservers.back()));
    }
  }
  ~Observers() {
    for (HookHandle& handle : mHandles) handle.remove();
  }
  Observers(const Observers&) = delete;
  Observers& operator=(const Observers&) = delete;

  std::vector<statistics::Covariance> results() {
    std::vector<statistics::Covariance> covariances;
    for (const auto& observer : mObservers) {
      observer->covariance().flush();
      covariances.push_back(std::move(observer->covariance()));
    }
    return covariances;
  }

 private:
  std::vector<std::shared_ptr<ResponseObserver>> mObservers;
  std::vector<HookHandle> mHandles;
};

}  // namespace

std::vector<statistics::Covariance> collectResponses(const GraphViewPtr& model, DataProvider& provider, std::span<const NodePtr> layers,
                                                     Pooling pooling, const CollectCallback& progress) {
  if (!model || model->backend().empty()) throwExpected(kWhere, "a graph that has been compiled", model ? "one without a backend" : "none");
  Observers observers(model, layers, pooling);
  SequentialScheduler scheduler(model);
  CollectProgress state;
  state.batches = provider.batchCount();
  provider.reset();
  while (const auto batch = provider.next()) {
    static_cast<void>(scheduler.forward(*batch));
    ++state.batch;
    if (!batch->empty() && batch->front().nbDims() > 0) state.samples += static_cast<std::size_t>(batch->front().dims()[0]);
    if (progress && !progress(state)) break;
  }
  if (state.batch == 0) throwExpected(kWhere, "a provider with at least one batch", "an empty one");
  return observers.results();
}

}  // namespace Aidge::pfa
