#include <memory>
#include <vector>

#include "Networks.hpp"
#include "aidge/scheduler/SequentialScheduler.hpp"
#include "catch.hpp"
#include "scheduler/PlanPool.hpp"

using namespace Aidge;
using namespace Aidge::test;
using plan::PlanKey;
using plan::PlanPool;

namespace {

const Dims kDims{2, 3, 12, 12};

std::shared_ptr<plan::StagedPlan> take(const ResidualNet& net, const PlanKey& key) {
  return PlanPool::of(*net.graph)->take(*net.graph, key, {{key.dims[0], DataType::Float32, nullptr}})->plan();
}

PlanKey keyOf(Dims dims, int threads = 1) { return {.dims = {std::move(dims)}, .keep = {}, .threads = threads, .options = 0}; }

}  // namespace

TEST_CASE("A graph's plans are shared until it is edited, one for each shape, kept output and number of threads") {
  const ResidualNet net;
  const auto first = take(net, keyOf(kDims));
  CHECK(take(net, keyOf(kDims)) == first);
  const auto other = take(net, keyOf({5, 3, 12, 12}));
  CHECK(other != first);
  CHECK(take(net, keyOf(kDims, 2)) != first);
  PlanKey keeping = keyOf(kDims);
  keeping.keep = {net["stem"]};
  CHECK(take(net, keeping) != first);
  CHECK(take(net, keyOf({5, 3, 12, 12})) == other);
  net["fc"]->setName("head");
  const auto edited = take(net, keyOf(kDims));
  CHECK(edited != first);
  CHECK(take(net, keyOf(kDims)) == edited);
}

TEST_CASE("A plan that is running is not given to a second scheduler, and old ones make room") {
  const ResidualNet net;
  const auto pool = PlanPool::of(*net.graph);
  const std::vector<TensorInfo> inputs{{kDims, DataType::Float32, nullptr}};
  auto held = pool->take(*net.graph, keyOf(kDims), inputs);
  auto second = pool->take(*net.graph, keyOf(kDims), inputs);
  CHECK(held->plan() != second->plan());
  const std::weak_ptr<plan::StagedPlan> watched = held->plan();
  held.reset();
  CHECK_FALSE(watched.expired());
  second.reset();
  for (DimSize_t batch = 1; batch <= 8; ++batch) static_cast<void>(take(net, keyOf({batch, 3, 12, 12})));
  CHECK(watched.expired());
}

TEST_CASE("A hook may run the same graph with another scheduler") {
  const ResidualNet net;
  SequentialScheduler outer(net.graph);
  SequentialScheduler inner(net.graph);
  const Tensor data = randomTensor(kDims, 1);
  const Tensor plain = inner.forward(std::vector{data}).at(0);
  int calls = 0;
  bool inside = false;
  static_cast<void>(net["b_relu1"]->addBeforeForward([&](Node&) {
    if (inside) return;
    inside = true;
    CHECK(difference(inner.forward(std::vector{data}).at(0), plain) < 1e-6);
    inside = false;
    ++calls;
  }));
  CHECK(difference(outer.forward(std::vector{data}).at(0), plain) < 1e-6);
  CHECK(calls == 1);
}

TEST_CASE("Profiling is each scheduler's own, though the plan is shared") {
  const ResidualNet net;
  SequentialScheduler timed(net.graph);
  SequentialScheduler untimed(net.graph);
  const Tensor data = randomTensor(kDims, 1);
  timed.setProfiling(true);
  for (SequentialScheduler* scheduler : {&timed, &untimed}) static_cast<void>(scheduler->forward(std::vector{data}));
  double macs = 0.0;
  for (const StepReport& step : timed.report().steps) {
    CHECK(step.seconds > 0.0);
    macs += step.macs;
  }
  for (const StepReport& step : untimed.report().steps) CHECK(step.seconds == 0.0);
  double expected = 0.0;
  net.graph->forwardDims({kDims});
  for (const NodePtr& node : net.graph->nodes()) {
    std::vector<TensorInfo> inputs;
    for (IOIndex_t i = 0; i < node->nbInputs(); ++i) {
      const auto tensor = node->getOperator()->getInput(i);
      inputs.push_back(tensor ? TensorInfo{tensor->dims(), tensor->dataType(), nullptr} : TensorInfo{});
    }
    if (node->getOperator()->isProducer()) continue;
    expected +=
        node->getOperator()->macs(inputs, std::vector<TensorInfo>{{node->getOperator()->getOutput(0)->dims(), DataType::Float32, nullptr}});
  }
  CHECK(macs == expected);
}
