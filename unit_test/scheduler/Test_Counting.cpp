// Convolutions that count the signs of their results while those are in the cache.
#include <algorithm>
#include <cmath>
#include <optional>
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

/// A convolution, an addition of the output of an earlier layer or none, and an activation.
struct Layer {
  DimSize_t in;
  DimSize_t out;
  DimSize_t kernel;
  unsigned seed;
  DimSize_t groups;
  std::optional<std::size_t> added;  ///< index of the layer whose output is added before the activation
  std::string activation;
  AttributeMap attributes;

  [[nodiscard]] bool isQuiet(std::size_t channel) const { return channel % kQuietStep == 0; }

  /// Its nodes in a chain: one channel in seven is never positive before the activation.
  [[nodiscard]] std::vector<NodePtr> nodes(std::size_t index) const {
    const std::string suffix = std::to_string(index);
    const NodePtr conv = convolution("conv" + suffix, in, out, kernel, seed, 1, groups);
    Tensor values = *conv->getParent(2)->getOperator()->getOutput(0);
    auto bias = values.mutableData<float>();
    for (std::size_t c = 0; c < bias.size(); ++c) {
      if (isQuiet(c)) bias[c] = -1000.0F;
    }
    std::vector<NodePtr> result{conv};
    if (added) result.push_back(makeNode("Add", {}, "sum" + suffix));
    result.push_back(makeNode(activation, attributes, activation + suffix));
    chain(result);
    return result;
  }

 private:
  static constexpr std::size_t kQuietStep = 7;
};

/// Every kind of convolution followed by an activation, two of them after an addition.
const std::vector<Layer>& layers() {
  static const std::vector<Layer> kLayers{
      {3, 33, 3, 1, 1, {}, "Clip", {{"min", 0.0}, {"max", 1.5}}},
      {33, 65, 1, 2, 1, {}, "ReLU", {}},
      {65, 65, 3, 3, 65, {}, "LeakyReLU", {{"negative_slope", 0.1}}},
      {65, 65, 3, 4, 1, 1, "ReLU", {}},
      {65, 34, 1, 5, 1, {}, "Sigmoid", {}},
      {34, 34, 3, 6, 1, {}, "ReLU", {}},
      {34, 34, 1, 8, 1, 4, "Clip", {{"min", -0.5}, {"max", 0.5}}},
  };
  return kLayers;
}

struct CountedNet {
  std::vector<NodePtr> activations;
  GraphViewPtr graph;

  CountedNet() {
    std::vector<NodePtr> nodes;
    for (std::size_t i = 0; i < layers().size(); ++i) {
      const std::vector<NodePtr> own = layers()[i].nodes(i);
      if (i > 0) activations.back()->addChild(own.front());
      if (const auto added = layers()[i].added) activations[*added]->addChild(own[1], 0, 1);
      nodes.insert(nodes.end(), own.begin(), own.end());
      activations.push_back(own.back());
    }
    graph = compiledGraph(nodes, {{2, 3, 23, 18}});
  }
};

/// A setting of the process, as long as it lives.
class Setting {
 public:
  Setting(cpu::ConvolutionAccuracy accuracy, int threads) {
    cpu::setConvolutionAccuracy(accuracy);
    cpu::setNumThreads(threads);
  }
  ~Setting() {
    cpu::setConvolutionAccuracy(mAccuracy);
    cpu::setNumThreads(mThreads);
  }
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;

 private:
  cpu::ConvolutionAccuracy mAccuracy = cpu::convolutionAccuracy();
  int mThreads = cpu::numThreads();
};

/// The largest error that a convolution promises under a setting, relative to the largest value of its output (docs/execution.md). The
/// promise is tested against double precision in test_convolution_accuracy.py.
double promiseOf(cpu::ConvolutionAccuracy accuracy) { return accuracy == cpu::ConvolutionAccuracy::Fast ? 2e-5 : 2e-6; }

/// What one layer gives for data, with the direct convolution: the values before its activation and after it.
struct Reference {
  Tensor before;
  Tensor after;
  std::vector<double> largest;  ///< for each channel, the magnitude that its errors are relative to

  Reference(std::size_t index, const std::vector<Tensor>& data) {
    const Setting setting(cpu::ConvolutionAccuracy::Direct, 1);
    const Layer& layer = layers()[index];
    const std::vector<NodePtr> nodes = layer.nodes(index);
    std::vector<Dims> dims;
    for (const Tensor& tensor : data) dims.push_back(tensor.dims());
    SequentialScheduler scheduler(compiledGraph(nodes, dims));
    const NodePtr parent = nodes.back()->getParent(0);
    scheduler.keepOutputs({parent});
    after = scheduler.forward(data).at(0).clone();
    before = parent->getOperator()->getOutput(0)->clone();
    setLargest(layer);
  }

  /// The index of the channel of value i.
  [[nodiscard]] std::size_t channelOf(std::size_t i) const { return i / mInner % largest.size(); }

 private:
  /// The bias of a quiet channel is added after all products, so it says nothing of the errors of the others.
  void setLargest(const Layer& layer) {
    const auto channels = static_cast<std::size_t>(before.dims()[1]);
    mInner = before.size() / channels / static_cast<std::size_t>(before.dims()[0]);
    largest.assign(channels, 0.0);
    const std::vector<double> values = before.toDoubles();
    for (std::size_t i = 0; i < values.size(); ++i) largest[channelOf(i)] = std::max(largest[channelOf(i)], std::abs(values[i]));
    double loudest = 0.0;
    for (std::size_t c = 0; c < channels; ++c) {
      if (!layer.isQuiet(c)) loudest = std::max(loudest, largest[c]);
    }
    for (double& value : largest) value = std::max(value, loudest);
  }

  std::size_t mInner = 1;
};

/// The layer's own output is that of the reference. No activation here has a slope above 1, so it makes no error larger.
void checkValues(const Tensor& values, const Reference& reference, double tolerance) {
  const std::vector<double> got = values.toDoubles();
  const std::vector<double> expected = reference.after.toDoubles();
  REQUIRE(got.size() == expected.size());
  double worst = 0.0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    worst = std::max(worst, std::abs(got[i] - expected[i]) / reference.largest[reference.channelOf(i)]);
  }
  CHECK(worst < tolerance);
}

/// What Counts should hold, element by element. Each sum may be off by what its elements may be off together.
void checkCounts(const Counts& counts, const Reference& reference, double tolerance) {
  double negative = 0.0;
  double positive = 0.0;
  double allowed = 0.0;
  std::vector<std::uint8_t> active(reference.largest.size(), 0);
  std::size_t i = 0;
  for (const double v : reference.before.toDoubles()) {
    const std::size_t channel = reference.channelOf(i++);
    (v < 0.0 ? negative : positive) += std::abs(v);
    if (v > counts.upper()) negative += v - counts.upper();
    if (v > 0.0) active[channel] = 1;
    allowed += tolerance * reference.largest[channel];
  }
  CHECK(std::abs(counts.negative - negative) < allowed);
  CHECK(std::abs(counts.positive - positive) < allowed);
  CHECK(counts.active == active);
}

}  // namespace

TEST_CASE("Convolutions of every kind count signs before their activation, and each layer is as exact as it promises") {
  const auto accuracy = GENERATE(cpu::ConvolutionAccuracy::Direct, cpu::ConvolutionAccuracy::Default, cpu::ConvolutionAccuracy::Fast);
  const int threads = GENERATE(1, 2, 3);
  const DimSize_t batch = GENERATE(1, 4, 13);
  const Setting setting(accuracy, threads);
  const CountedNet net;
  SequentialScheduler scheduler(net.graph);
  std::vector<std::shared_ptr<Counts>> counts;
  for (const NodePtr& node : net.activations) {
    counts.push_back(std::make_shared<Counts>(node->type() == "Clip" ? node->getOperator()->attribute<double>("max") : INFINITY));
    static_cast<void>(node->addInputObserver(0, counts.back()));
  }
  scheduler.keepOutputs(net.activations);
  const Tensor data = randomTensor({batch, 3, 46, 61}, 7);
  static_cast<void>(scheduler.forward(std::vector{data}));
  const std::vector<StepReport> steps = scheduler.report().steps;
  const auto counting = [](const StepReport& step) { return step.implementation.ends_with("+signs"); };
  CHECK(std::count_if(steps.begin(), steps.end(), counting) == std::ssize(counts));

  // Each layer against the direct convolution of what the layer really got. Both sides may be wrong by what they promise.
  const double tolerance = promiseOf(accuracy) + promiseOf(cpu::ConvolutionAccuracy::Direct);
  std::vector<Tensor> outputs;
  for (const NodePtr& node : net.activations) outputs.push_back(node->getOperator()->getOutput(0)->clone());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    INFO(net.activations[i]->name() << " batch " << batch << " threads " << threads);
    std::vector<Tensor> given{i == 0 ? data : outputs[i - 1]};
    if (const auto added = layers()[i].added) given.push_back(outputs[*added]);
    const Reference reference(i, given);
    checkValues(outputs[i], reference, tolerance);
    checkCounts(*counts[i], reference, tolerance);
  }
}
