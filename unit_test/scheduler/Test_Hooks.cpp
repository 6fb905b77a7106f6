#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "Networks.hpp"
#include "aidge/backend/cpu/Threads.hpp"
#include "aidge/graph/Observer.hpp"
#include "aidge/scheduler/SequentialScheduler.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::test;

namespace {

const Dims kDims{2, 3, 12, 12};

/// Adds up what it is shown.
class Recorder final : public Observer {
 public:
  explicit Recorder(Request request, double bound = std::numeric_limits<double>::infinity()) : mRequest(request), mUpper(bound) {}
  [[nodiscard]] Request request() const override { return mRequest; }
  [[nodiscard]] double upper() const override { return mUpper; }
  using Observer::observe;
  void observe(const TensorView& values) override {
    const auto* data = static_cast<const float*>(values.data);
    for (std::size_t i = 0; i < elementCount(Dims(values.dims.begin(), values.dims.end())); ++i) {
      const auto v = static_cast<double>(data[i]);
      (v < 0.0 ? negative : positive) += std::abs(v);
      if (v > mUpper) negative += v - mUpper;
    }
    ++calls;
  }
  void observe(const SignSummary& summary) override {
    negative += summary.negative;
    positive += summary.positive;
    active.assign(summary.active.begin(), summary.active.end());
    ++calls;
  }

  double negative = 0.0;
  double positive = 0.0;
  std::vector<std::uint8_t> active;
  int calls = 0;

 private:
  Request mRequest;
  double mUpper;
};

/// Sums of the negative and the other elements of a tensor, in double.
std::pair<double, double> signSums(const Tensor& tensor) {
  std::pair<double, double> sums{0.0, 0.0};
  for (const double v : tensor.toDoubles()) (v < 0.0 ? sums.first : sums.second) += std::abs(v);
  return sums;
}

}  // namespace

TEST_CASE("Hooks run in order, see inputs before and outputs after, and can be removed") {
  const ResidualNet net;
  SequentialScheduler scheduler(net.graph);
  const Tensor data = randomTensor(kDims, 1);
  const Tensor plain = scheduler.forward(std::vector{data}).at(0);
  std::vector<std::string> events;
  Tensor input;
  Tensor output;
  const NodePtr relu = net["b_relu1"];
  HookHandle before = relu->addBeforeForward([&](Node& node) {
    events.push_back("before " + node.name());
    input = node.getOperator()->getInput(0)->clone();
  });
  HookHandle after = relu->addAfterForward([&](Node& node) {
    events.push_back("after " + node.name());
    output = node.getOperator()->getOutput(0)->clone();
  });
  HookHandle first = net["stem"]->addBeforeForward([&](Node& node) { events.push_back("before " + node.name()); });
  const Tensor hooked = scheduler.forward(std::vector{data}).at(0);
  CHECK(events == std::vector<std::string>{"before stem", "before b_relu1", "after b_relu1"});
  CHECK(difference(hooked, plain) < 1e-6);
  REQUIRE(input.dims() == output.dims());
  const std::vector<double> x = input.toDoubles();
  const std::vector<double> y = output.toDoubles();
  bool rectified = true;
  for (std::size_t i = 0; i < x.size(); ++i) rectified = rectified && y[i] == std::max(x[i], 0.0);
  CHECK(rectified);

  before.remove();
  after.remove();
  first.remove();
  first.remove();
  static_cast<void>(scheduler.forward(std::vector{data}));
  CHECK(events.size() == 3);
}

TEST_CASE("A hook may edit the graph: the running pass goes on, the next one is new") {
  const ResidualNet net;
  SequentialScheduler scheduler(net.graph);
  const Tensor data = randomTensor(kDims, 1);
  const Tensor before = scheduler.forward(std::vector{data}).at(0);
  bool done = false;
  HookHandle handle = net["a_relu1"]->addAfterForward([&](Node&) {
    if (!done) net.graph->replace(net["b_relu1"], makeNode("Identity", {}, "b_relu1"));
    done = true;
  });
  CHECK(difference(scheduler.forward(std::vector{data}).at(0), before) < 1e-6);
  handle.remove();
  CHECK(difference(scheduler.forward(std::vector{data}).at(0), before) > 1e-3);
}

TEST_CASE("What a hook throws leaves forward, and the scheduler works afterwards") {
  const ResidualNet net;
  SequentialScheduler scheduler(net.graph);
  const Tensor data = randomTensor(kDims, 1);
  HookHandle handle = net["a_relu1"]->addAfterForward([](Node&) { throw std::runtime_error("from the hook"); });
  CHECK_THROWS_WITH(scheduler.forward(std::vector{data}), "from the hook");
  handle.remove();
  CHECK_NOTHROW(scheduler.forward(std::vector{data}));
}

TEST_CASE("Calling forward of the same scheduler from a hook is an error, not a crash") {
  const ResidualNet net;
  SequentialScheduler scheduler(net.graph);
  const Tensor data = randomTensor(kDims, 1);
  HookHandle handle = net["stem"]->addBeforeForward([&](Node&) { static_cast<void>(scheduler.forward(std::vector{data})); });
  CHECK_THROWS_AS(scheduler.forward(std::vector{data}), std::invalid_argument);
  handle.remove();
  CHECK_NOTHROW(scheduler.forward(std::vector{data}));
}

TEST_CASE("Observers of activations see every element once, and the output is that of the plain network") {
  const ResidualNet net;
  SequentialScheduler scheduler(net.graph);
  const Tensor data = randomTensor(kDims, 1);
  const Tensor plain = scheduler.forward(std::vector{data}).at(0);
  const std::vector<std::string> names{"stem_relu", "a_relu1", "a_relu2", "b_relu1", "b_relu2"};
  std::vector<std::shared_ptr<Recorder>> signs;
  std::vector<std::shared_ptr<Recorder>> values;
  std::vector<HookHandle> handles;
  for (const std::string& name : names) {
    signs.push_back(std::make_shared<Recorder>(Observer::Request::SignSummary));
    values.push_back(std::make_shared<Recorder>(Observer::Request::Values));
    handles.push_back(net[name]->addInputObserver(0, signs.back()));
    handles.push_back(net[name]->addInputObserver(0, values.back()));
  }
  CHECK(difference(scheduler.forward(std::vector{data}).at(0), plain) < 1e-6);
  std::vector<NodePtr> parents;
  for (const std::string& name : names) parents.push_back(net[name]->getParent(0));
  for (HookHandle& handle : handles) handle.remove();
  scheduler.keepOutputs(parents);
  static_cast<void>(scheduler.forward(std::vector{data}));
  for (std::size_t i = 0; i < names.size(); ++i) {
    INFO(names[i]);
    const auto [negative, positive] = signSums(*parents[i]->getOperator()->getOutput(0));
    CHECK(signs[i]->negative == Catch::Approx(negative).epsilon(1e-6));
    CHECK(signs[i]->positive == Catch::Approx(positive).epsilon(1e-6));
    CHECK(values[i]->negative == Catch::Approx(negative).epsilon(1e-6));
    CHECK(values[i]->positive == Catch::Approx(positive).epsilon(1e-6));
    CHECK(signs[i]->active.size() == static_cast<std::size_t>(parents[i]->getOperator()->getOutput(0)->dims()[1]));
  }
}

TEST_CASE("Observers with an upper bound, of non-activations and of graph inputs get their sums too") {
  const ResidualNet net;
  SequentialScheduler scheduler(net.graph);
  const Tensor data = randomTensor(kDims, 1);
  const auto bounded = std::make_shared<Recorder>(Observer::Request::SignSummary, 0.5);
  const auto expected = std::make_shared<Recorder>(Observer::Request::Values, 0.5);
  const auto input = std::make_shared<Recorder>(Observer::Request::SignSummary);
  const auto pooled = std::make_shared<Recorder>(Observer::Request::SignSummary);
  static_cast<void>(net["a_relu1"]->addInputObserver(0, bounded));
  static_cast<void>(net["a_relu1"]->addInputObserver(0, expected));
  static_cast<void>(net["stem"]->addInputObserver(0, input));
  static_cast<void>(net["pool"]->addInputObserver(0, pooled));
  static_cast<void>(scheduler.forward(std::vector{data}));
  CHECK(bounded->negative == Catch::Approx(expected->negative).epsilon(1e-6));
  CHECK(bounded->positive == Catch::Approx(expected->positive).epsilon(1e-6));
  CHECK(input->negative == Catch::Approx(signSums(data).first).epsilon(1e-6));
  CHECK(pooled->negative == 0.0);
  CHECK(pooled->positive > 0.0);
}

TEST_CASE("Hooks and observers inside meta operators see what happens there") {
  const auto inner = GraphView::create("inner");
  const NodePtr conv = convolution("inner_conv", 3, 4, 3, 5);
  const NodePtr relu = makeNode("ReLU", {}, "inner_relu");
  conv->addChild(relu);
  inner->add(conv);
  inner->add(relu);
  const NodePtr meta = MetaOperator("Inner", inner, "meta");
  const GraphViewPtr graph = compiledGraph({meta}, {{2, 3, 6, 6}});
  const auto observer = std::make_shared<Recorder>(Observer::Request::SignSummary);
  static_cast<void>(relu->addInputObserver(0, observer));
  int calls = 0;
  static_cast<void>(meta->addAfterForward([&](Node& node) { calls += node.getOperator()->getOutput(0)->hasData() ? 1 : 0; }));
  SequentialScheduler scheduler(graph);
  static_cast<void>(scheduler.forward(std::vector{randomTensor({2, 3, 6, 6}, 1)}));
  CHECK(observer->calls == 1);
  CHECK(observer->positive > 0.0);
  CHECK(calls == 1);
}

namespace {

/// Keeps the values it is shown, in the order in which they come; throws at the second call if asked to.
class Collector final : public Observer {
 public:
  explicit Collector(bool fails = false) : mFails(fails) {}
  using Observer::observe;
  void observe(const TensorView& values) override {
    if (mFails && ++mCalls == 2) throw std::runtime_error("the observer has seen enough");
    images += values.dims[0];
    const auto* data = static_cast<const float*>(values.data);
    seen.insert(seen.end(), data, data + elementCount(Dims(values.dims.begin(), values.dims.end())));
  }

  DimSize_t images = 0;
  std::vector<float> seen;

 private:
  bool mFails;
  int mCalls = 0;
};

struct ThreadCount {
  explicit ThreadCount(int threads) { cpu::setNumThreads(threads); }
  ~ThreadCount() { cpu::setNumThreads(0); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;
};

constexpr DimSize_t kManyImages = 24;

}  // namespace

TEST_CASE("Observers see the batch in order and the outputs are the same, whatever the number of threads") {
  const ResidualNet net;
  SequentialScheduler scheduler(net.graph);
  const Tensor data = randomTensor({kManyImages, 3, 12, 12}, 1);
  const auto run = [&](int threads, bool& inParts) {
    const ThreadCount count(threads);
    const auto collector = std::make_shared<Collector>();
    const auto signs = std::make_shared<Recorder>(Observer::Request::SignSummary);
    HookHandle values = net["b_relu1"]->addInputObserver(0, collector);
    HookHandle sums = net["a_relu1"]->addInputObserver(0, signs);
    const Tensor output = scheduler.forward(std::vector{data}).at(0);
    values.remove();
    sums.remove();
    const auto& steps = scheduler.report().steps;
    inParts = std::any_of(steps.begin(), steps.end(), [](const StepReport& step) { return step.parts > 1; });
    CHECK(collector->images == kManyImages);
    return std::tuple(output, collector->seen, signs->negative, signs->positive);
  };
  bool inParts = false;
  const auto [output, seen, negative, positive] = run(1, inParts);
  for (const int threads : {2, 3, 5, 8}) {
    INFO(threads << " threads");
    const auto [otherOutput, otherSeen, otherNegative, otherPositive] = run(threads, inParts);
    CHECK((inParts || threads == 5));  // 24 images are no even work for five
    CHECK(difference(output, otherOutput) < 1e-6);
    CHECK(otherNegative == Catch::Approx(negative).epsilon(1e-6));
    CHECK(otherPositive == Catch::Approx(positive).epsilon(1e-6));
    REQUIRE(otherSeen.size() == seen.size());
    double worst = 0.0;
    for (std::size_t i = 0; i < seen.size(); ++i) worst = std::max(worst, static_cast<double>(std::abs(seen[i] - otherSeen[i])));
    CHECK(worst < 1e-5);
  }
}

TEST_CASE("What an observer throws while several threads run comes out of forward, which works again afterwards") {
  const ResidualNet net;
  SequentialScheduler scheduler(net.graph);
  const ThreadCount count(3);
  const Tensor data = randomTensor({kManyImages, 3, 12, 12}, 1);
  const Tensor expected = scheduler.forward(std::vector{data}).at(0);
  HookHandle handle = net["b_relu1"]->addInputObserver(0, std::make_shared<Collector>(true));
  CHECK_THROWS_WITH(scheduler.forward(std::vector{data}), "the observer has seen enough");
  handle.remove();
  CHECK(difference(scheduler.forward(std::vector{data}).at(0), expected) < 1e-6);
}
