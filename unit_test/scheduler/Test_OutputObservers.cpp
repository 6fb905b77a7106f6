#include <memory>
#include <string>
#include <vector>

#include "Networks.hpp"
#include "aidge/graph/Observer.hpp"
#include "aidge/scheduler/SequentialScheduler.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::test;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Keeps the pooled values it is shown.
class Responses final : public Observer {
 public:
  explicit Responses(Pooling pooling) : mPooling(pooling) {}
  [[nodiscard]] Request request() const override { return Request::PooledValues; }
  [[nodiscard]] Pooling pooling() const override { return mPooling; }
  using Observer::observe;
  void observe(const PooledValues& responses) override {
    values.insert(values.end(), responses.values.begin(), responses.values.end());
    channels = responses.channels;
  }

  std::vector<double> values;
  std::size_t channels = 0;

 private:
  Pooling mPooling;
};

std::vector<double> pooled(const Tensor& tensor, Pooling pooling) {
  const std::vector<double> values = tensor.toDoubles();
  const auto rows = static_cast<std::size_t>(tensor.dims()[0] * tensor.dims()[1]);
  const std::size_t positions = values.size() / rows;
  std::vector<double> results;
  for (std::size_t r = 0; r < rows; ++r) {
    double most = values[r * positions];
    double sum = 0.0;
    for (std::size_t p = 0; p < positions; ++p) {
      most = std::max(most, values[r * positions + p]);
      sum += values[r * positions + p];
    }
    results.push_back(pooling == Pooling::Max ? most : pooling == Pooling::Sum ? sum : sum / static_cast<double>(positions));
  }
  return results;
}

double worst(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double difference = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) difference = std::max(difference, std::abs(a[i] - b[i]) / (1.0 + std::abs(b[i])));
  return difference;
}

}  // namespace

TEST_CASE("Output observers get the pooled values of every layer, fused or not, whatever the batch") {
  const ResidualNet net;
  const Pooling pooling = GENERATE(Pooling::Max, Pooling::Average, Pooling::Sum);
  const DimSize_t batch = GENERATE(1, 2, 7, 64);
  const Tensor input = randomTensor({batch, 3, 12, 12}, 5);
  std::vector<NodePtr> layers;
  for (const NodePtr& node : net.graph->orderedNodes()) {
    if (!node->getOperator()->isProducer()) layers.push_back(node);
  }
  SequentialScheduler reference(net.graph);
  reference.keepOutputs(layers);
  const Tensor plain = reference.forward(std::vector{input})[0].clone();
  std::vector<std::vector<double>> expected;
  for (const NodePtr& layer : layers) expected.push_back(pooled(*layer->getOperator()->getOutput(0), pooling));

  std::vector<std::shared_ptr<Responses>> observers;
  std::vector<HookHandle> handles;
  for (const NodePtr& layer : layers) {
    observers.push_back(std::make_shared<Responses>(pooling));
    handles.push_back(layer->addOutputObserver(0, observers.back()));
  }
  SequentialScheduler scheduler(net.graph);
  const Tensor observed = scheduler.forward(std::vector{input})[0];
  REQUIRE(difference(observed, plain) < kFloatTolerance);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    INFO(layers[i]->describe());
    REQUIRE(observers[i]->channels == static_cast<std::size_t>(layers[i]->getOperator()->getOutput(0)->dims()[1]));
    REQUIRE(worst(observers[i]->values, expected[i]) < 10 * kFloatTolerance);
  }

  const std::size_t seen = observers[0]->values.size();
  for (HookHandle& handle : handles) handle.remove();
  static_cast<void>(scheduler.forward(std::vector{input}));
  REQUIRE(observers[0]->values.size() == seen);
  REQUIRE_FALSE(layers[0]->hasObservers());
}

TEST_CASE("Observers of an input and of an output are told apart") {
  const NodePtr relu = makeNode("ReLU", {}, "relu");
  const GraphViewPtr graph = compiledGraph({relu}, {{1, 2, 2, 2}});
  const auto before = std::make_shared<Responses>(Pooling::Sum);
  const auto after = std::make_shared<Responses>(Pooling::Sum);
  HookHandle first = relu->addInputObserver(0, before);
  HookHandle second = relu->addOutputObserver(0, after);
  REQUIRE(relu->inputObservers(0).size() == 1);
  REQUIRE(relu->outputObservers(0).size() == 1);
  const Tensor input = Tensor::fromValues<float>({1, 2, 2, 2}, {1.0F, -1.0F, 2.0F, -3.0F, 4.0F, 0.0F, -1.0F, -1.0F});
  static_cast<void>(SequentialScheduler(graph).forward(std::vector{input}));
  REQUIRE(before->values == std::vector{-1.0, 2.0});
  REQUIRE(after->values == std::vector{3.0, 4.0});
  first.remove();
  REQUIRE(relu->inputObservers(0).empty());
  REQUIRE(relu->outputObservers(0).size() == 1);
}

TEST_CASE("What cannot be observed is refused") {
  const NodePtr relu = makeNode("ReLU", {}, "relu");
  const auto observer = std::make_shared<Responses>(Pooling::Max);
  REQUIRE_THROWS_WITH(relu->addOutputObserver(0, nullptr), ContainsSubstring("expected an observer"));
  REQUIRE_THROWS_WITH(relu->addOutputObserver(1, observer), ContainsSubstring("relu"));
  REQUIRE_THROWS_WITH(Producer(Tensor({1}), "weight")->addOutputObserver(0, observer), ContainsSubstring("(Producer)"));
}
