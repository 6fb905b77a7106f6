// Convolutions that count the signs of their results while those are in the cache.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "Networks.hpp"
#include "aidge/backend/cpu/ConvolutionAccuracy.hpp"
#include "aidge/backend/cpu/Threads.hpp"
#include "aidge/graph/Observer.hpp"
#include "aidge/scheduler/SequentialScheduler.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::test;

namespace {

class Counts final : public Observer {
 public:
  explicit Counts(double upper) : mUpper(upper) {}
  [[nodiscard]] Request request() const override { return Request::SignSummary; }
  [[nodiscard]] double upper() const override { return mUpper; }
  using Observer::observe;
  void observe(const SignSummary& summary) override {
    negative = summary.negative;
    positive = summary.positive;
    active.assign(summary.active.begin(), summary.active.end());
  }

  double negative = 0.0;
  double positive = 0.0;
  std::vector<std::uint8_t> active;

 private:
  double mUpper;
};

/// Every kind of convolution followed by an activation, one of them after an addition; one channel in seven is never positive.
struct CountedNet {
  std::vector<NodePtr> activations;
  GraphViewPtr graph;

  CountedNet() {
    std::vector<NodePtr> nodes;
    const auto add = [&](NodePtr node) { return nodes.emplace_back(std::move(node)); };
    const auto activation = [&](const std::string& type, AttributeMap attributes) {
      return activations.emplace_back(add(makeNode(type, std::move(attributes), type + std::to_string(activations.size()))));
    };
    const NodePtr stem = add(quiet(convolution("stem", 3, 33, 3, 1)));
    const NodePtr clip = activation("Clip", {{"min", 0.0}, {"max", 1.5}});
    const NodePtr wide = add(quiet(convolution("wide", 33, 65, 1, 2)));
    const NodePtr relu = activation("ReLU", {});
    const NodePtr depthwise = add(quiet(convolution("depthwise", 65, 65, 3, 3, 1, 65)));
    const NodePtr leaky = activation("LeakyReLU", {{"negative_slope", 0.1}});
    const NodePtr dense = add(quiet(convolution("dense", 65, 65, 3, 4)));
    const NodePtr sum = add(makeNode("Add", {}, "sum"));
    const NodePtr after = activation("ReLU", {});
    const NodePtr narrow = add(quiet(convolution("narrow", 65, 34, 1, 5)));
    const NodePtr sigmoid = activation("Sigmoid", {});
    const NodePtr again = add(quiet(convolution("again", 34, 34, 3, 6)));
    const NodePtr inner = activation("ReLU", {});
    const NodePtr pointwise = add(quiet(convolution("pointwise", 34, 34, 1, 8)));
    const NodePtr secondSum = add(makeNode("Add", {}, "second_sum"));
    const NodePtr last = activation("Clip", {{"min", -0.5}, {"max", 0.5}});
    chain({stem, clip, wide, relu, depthwise, leaky, dense, sum, after, narrow, sigmoid, again, inner, pointwise, secondSum, last});
    relu->addChild(sum, 0, 1);
    sigmoid->addChild(secondSum, 0, 1);
    graph = compiledGraph(nodes, {{2, 3, 23, 18}});
  }

 private:
  static NodePtr quiet(NodePtr node) {
    auto bias = node->getParent(2)->getOperator()->getOutput(0)->mutableData<float>();
    for (std::size_t c = 0; c < bias.size(); c += 7) bias[c] = -1000.0F;
    return node;
  }
};

struct Setting {
  Setting(cpu::ConvolutionAccuracy accuracy, int threads) {
    cpu::setConvolutionAccuracy(accuracy);
    cpu::setNumThreads(threads);
  }
  ~Setting() {
    cpu::setConvolutionAccuracy(cpu::ConvolutionAccuracy::Default);
    cpu::setNumThreads(0);
  }
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;
};

/// What Counts should hold, element by element.
void checkCounts(const Counts& counts, const Tensor& values) {
  double negative = 0.0;
  double positive = 0.0;
  const auto channels = static_cast<std::size_t>(values.dims()[1]);
  const std::size_t inner = values.size() / channels / static_cast<std::size_t>(values.dims()[0]);
  std::vector<std::uint8_t> active(channels, 0);
  std::size_t i = 0;
  for (const double v : values.toDoubles()) {
    (v < 0.0 ? negative : positive) += std::abs(v);
    if (v > counts.upper()) negative += v - counts.upper();
    if (v > 0.0) active[i / inner % channels] = 1;
    ++i;
  }
  CHECK(counts.negative == Catch::Approx(negative).epsilon(1e-5));
  CHECK(counts.positive == Catch::Approx(positive).epsilon(1e-5));
  CHECK(counts.active == active);
}

}  // namespace

TEST_CASE("Convolutions of every kind count signs before their activation, and the result is that of the plain network") {
  const auto accuracy = GENERATE(cpu::ConvolutionAccuracy::Direct, cpu::ConvolutionAccuracy::Default, cpu::ConvolutionAccuracy::Fast);
  const int threads = GENERATE(1, 2, 3);
  const DimSize_t batch = GENERATE(1, 4, 13);
  const Setting setting(accuracy, threads);
  const CountedNet net;
  SequentialScheduler scheduler(net.graph);
  const Tensor data = randomTensor({batch, 3, 46, 61}, 7);
  std::vector<NodePtr> parents;
  for (const NodePtr& node : net.activations) parents.push_back(node->getParent(0));
  scheduler.keepOutputs(parents);
  const Tensor plain = scheduler.forward(std::vector{data}).at(0);
  std::vector<Tensor> before;
  for (const NodePtr& node : parents) before.push_back(node->getOperator()->getOutput(0)->clone());
  scheduler.keepOutputs({});
  std::vector<std::shared_ptr<Counts>> counts;
  for (const NodePtr& node : net.activations) {
    counts.push_back(std::make_shared<Counts>(node->type() == "Clip" ? node->getOperator()->attribute<double>("max") : INFINITY));
    static_cast<void>(node->addInputObserver(0, counts.back()));
  }
  CHECK(difference(scheduler.forward(std::vector{data}).at(0), plain) < 2e-5);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    INFO(net.activations[i]->name() << " batch " << batch << " threads " << threads);
    checkCounts(*counts[i], before[i]);
  }
  const std::vector<StepReport> steps = scheduler.report().steps;
  const auto counting = [](const StepReport& step) { return step.implementation.ends_with("+signs"); };
  CHECK(std::count_if(steps.begin(), steps.end(), counting) == std::ssize(counts));
}
