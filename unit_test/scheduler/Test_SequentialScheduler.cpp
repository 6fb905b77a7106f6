#include <string>
#include <vector>

#include "Networks.hpp"
#include "aidge/backend/cpu/Threads.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/scheduler/SequentialScheduler.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::test;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr double kFusionTolerance = 1e-6;

Tensor forwardOnce(const GraphViewPtr& graph, const Tensor& data) {
  SequentialScheduler scheduler(graph);
  return scheduler.forward(std::vector{data}).at(0);
}

/// The output where every node's result is kept, so that nothing is fused.
Tensor unfused(const GraphViewPtr& graph, const Tensor& data) {
  SequentialScheduler scheduler(graph);
  scheduler.keepOutputs(operators(*graph));
  return scheduler.forward(std::vector{data}).at(0);
}

const Dims kDims{2, 3, 12, 12};

}  // namespace

TEST_CASE("A network gives the same outputs whether everything is fused or every result is kept") {
  const ResidualNet net;
  const Tensor data = randomTensor(kDims, 1);
  const Tensor fused = forwardOnce(net.graph, data);
  CHECK(difference(fused, unfused(net.graph, data)) < kFusionTolerance);
  CHECK(fused.dims() == Dims{2, 5});
}

TEST_CASE("Batches of other sizes run with the same scheduler and give each sample the same result") {
  const ResidualNet net;
  SequentialScheduler scheduler(net.graph);
  const Tensor all = randomTensor({5, 3, 12, 12}, 2);
  const std::vector<double> together = scheduler.forward(std::vector{all}).at(0).toDoubles();
  const std::size_t sample = 3 * 12 * 12;
  for (std::size_t n = 0; n < 5; ++n) {
    const Tensor one = Tensor::fromValues<float>({1, 3, 12, 12}, all.data<float>().subspan(n * sample, sample));
    const std::vector<double> alone = scheduler.forward(std::vector{one}).at(0).toDoubles();
    for (std::size_t c = 0; c < 5; ++c) CHECK(alone[c] == Catch::Approx(together[n * 5 + c]).epsilon(1e-5).margin(1e-6));
  }
  CHECK(scheduler.forward(std::vector{all}).at(0).toDoubles() == together);
}

TEST_CASE("An old scheduler notices a replaced node") {
  const ResidualNet net;
  const Tensor data = randomTensor(kDims, 1);
  SequentialScheduler scheduler(net.graph);
  const Tensor before = scheduler.forward(std::vector{data}).at(0);
  net.graph->replace(net["a_relu1"], makeNode("Identity", {}, "a_relu1"));
  const Tensor after = scheduler.forward(std::vector{data}).at(0);
  CHECK(difference(before, after) > 1e-3);
  CHECK(difference(after, forwardOnce(net.graph, data)) == 0.0);
}

TEST_CASE("An old scheduler notices changed weights and attributes") {
  const ResidualNet net;
  const Tensor data = randomTensor(kDims, 1);
  SequentialScheduler scheduler(net.graph);
  const Tensor before = scheduler.forward(std::vector{data}).at(0);
  SECTION("a producer's tensor is replaced") { net["stem_p1"]->getOperator()->setOutput(0, randomTensor({8, 3, 3, 3}, 77)); }
  SECTION("a producer's values are written in place") {
    Tensor(*net["stem_p1"]->getOperator()->getOutput(0)).copyFrom(randomTensor({8, 3, 3, 3}, 77));
  }
  SECTION("an attribute is set") { net["a_bn1"]->getOperator()->setAttribute("epsilon", 5.0); }
  const Tensor after = scheduler.forward(std::vector{data}).at(0);
  CHECK(difference(before, after) > 1e-4);
  CHECK(difference(after, forwardOnce(net.graph, data)) == 0.0);
}

TEST_CASE("Without data the last data is used again") {
  const ResidualNet net;
  SequentialScheduler scheduler(net.graph);
  const Tensor first = scheduler.forward(std::vector{randomTensor(kDims, 1)}).at(0);
  CHECK(difference(scheduler.forward({}).at(0), first) == 0.0);
}

TEST_CASE("Extra data behind the inputs is ignored") {
  const ResidualNet net;
  SequentialScheduler scheduler(net.graph);
  const Tensor data = randomTensor(kDims, 1);
  const Tensor label = Tensor::fromValues<std::int64_t>({2}, {1, 2});
  CHECK(difference(scheduler.forward(std::vector{data, label}).at(0), forwardOnce(net.graph, data)) == 0.0);
}

TEST_CASE("Outputs stay as they are when the next batch is run") {
  const ResidualNet net;
  SequentialScheduler scheduler(net.graph);
  const Tensor first = scheduler.forward(std::vector{randomTensor(kDims, 1)}).at(0);
  const std::vector<double> values = first.toDoubles();
  static_cast<void>(scheduler.forward(std::vector{randomTensor(kDims, 2)}));
  CHECK(first.toDoubles() == values);
}

TEST_CASE("Graph outputs and kept results are left in the operators") {
  const ResidualNet net;
  SequentialScheduler scheduler(net.graph);
  scheduler.keepOutputs({net["stem_relu"]});
  const Tensor result = scheduler.forward(std::vector{randomTensor(kDims, 1)}).at(0);
  CHECK(difference(*net["fc"]->getOperator()->getOutput(0), result) == 0.0);
  const auto kept = net["stem_relu"]->getOperator()->getOutput(0);
  REQUIRE(kept->hasData());
  CHECK(kept->dims() == Dims{2, 8, 12, 12});
  const std::vector<double> values = kept->toDoubles();
  CHECK(*std::min_element(values.begin(), values.end()) == 0.0);
}

TEST_CASE("Data that does not fit is refused in words that name the entry") {
  const ResidualNet net;
  SequentialScheduler scheduler(net.graph);
  const auto run = [&](const Tensor& data) { return scheduler.forward(std::vector{data}); };
  CHECK_THROWS_WITH(scheduler.forward({}), ContainsSubstring("expected 1 tensors") && ContainsSubstring("got 0"));
  CHECK_THROWS_WITH(run(Tensor::full(kDims, 1.0, DataType::Float64)),
                    ContainsSubstring("data[0]") && ContainsSubstring("float32") && ContainsSubstring("float64"));
  CHECK_THROWS_WITH(run(randomTensor({2, 4, 12, 12}, 1)), ContainsSubstring("[2, 4, 12, 12]"));
  CHECK_THROWS_AS(run(Tensor(kDims)), std::invalid_argument);
  CHECK_NOTHROW(run(randomTensor(kDims, 1)));
}

TEST_CASE("A batch without images runs and changes no statistics") {
  const ResidualNet net;
  SequentialScheduler scheduler(net.graph);
  const std::vector<Tensor> outputs = scheduler.forward(std::vector{Tensor::full({0, 3, 12, 12}, 0.0)});
  REQUIRE(outputs.size() == 1);
  CHECK(outputs[0].dims()[0] == 0);
  CHECK_NOTHROW(scheduler.forward(std::vector{randomTensor(kDims, 1)}));
}

TEST_CASE("A graph without backend is refused") {
  auto graph = GraphView::create("plain");
  graph->add(makeNode("ReLU", {}, "relu"));
  CHECK_THROWS_WITH(SequentialScheduler(graph), ContainsSubstring("compile"));
}

TEST_CASE("Every operator that cannot run is listed") {
  auto graph = GraphView::create("exotic");
  const NodePtr first = GenericOperator("Foo", 1, 1, "foo");
  const NodePtr relu = makeNode("ReLU", {}, "relu");
  const NodePtr second = GenericOperator("Bar", 1, 1, "bar");
  chain({first, relu, second});
  for (const NodePtr& node : {first, relu, second}) graph->add(node);
  CHECK_THROWS_AS(graph->compile("cpu"), UnsupportedError);
  CHECK_THROWS_WITH(graph->compile("cpu"), ContainsSubstring("foo") && ContainsSubstring("bar") && !ContainsSubstring("relu"));
}

TEST_CASE("Operators inside meta operators run, however deep") {
  const auto inner = GraphView::create("inner");
  const NodePtr relu = makeNode("ReLU", {}, "inner_relu");
  const NodePtr conv = convolution("inner_conv", 3, 4, 3, 5);
  conv->addChild(relu);
  inner->add(conv);
  inner->add(relu);
  const auto middle = GraphView::create("middle");
  middle->add(MetaOperator("Inner", inner, "inner_meta"));
  const NodePtr meta = MetaOperator("Middle", middle, "meta");
  const NodePtr tail = makeNode("Sigmoid", {}, "tail");
  meta->addChild(tail);
  const GraphViewPtr graph = compiledGraph({meta, tail}, {{2, 3, 6, 6}});

  const NodePtr flatConv = convolution("conv", 3, 4, 3, 5);
  const NodePtr flatRelu = makeNode("ReLU", {}, "relu");
  const NodePtr flatTail = makeNode("Sigmoid", {}, "sigmoid");
  chain({flatConv, flatRelu, flatTail});
  const GraphViewPtr flat = compiledGraph({flatConv, flatRelu, flatTail}, {{2, 3, 6, 6}});
  const Tensor data = randomTensor({2, 3, 6, 6}, 1);
  CHECK(difference(forwardOnce(graph, data), forwardOnce(flat, data)) < kFusionTolerance);
}

TEST_CASE("Another number of threads gives the same result from the same scheduler") {
  const ResidualNet net;
  SequentialScheduler scheduler(net.graph);
  const Tensor data = randomTensor(kDims, 1);
  cpu::setNumThreads(1);
  const Tensor one = scheduler.forward(std::vector{data}).at(0);
  cpu::setNumThreads(2);
  const Tensor two = scheduler.forward(std::vector{data}).at(0);
  CHECK(cpu::numThreads() == 2);
  cpu::setNumThreads(0);
  CHECK(difference(one, two) < kFusionTolerance);
  CHECK_THROWS_AS(cpu::setNumThreads(-1), std::invalid_argument);
}

TEST_CASE("Profiling times every step of the report") {
  const ResidualNet net;
  SequentialScheduler scheduler(net.graph);
  CHECK(scheduler.report().steps.empty());
  scheduler.setProfiling(true);
  static_cast<void>(scheduler.forward(std::vector{randomTensor(kDims, 1)}));
  const PlanReport report = scheduler.report();
  REQUIRE_FALSE(report.steps.empty());
  for (const StepReport& step : report.steps) CHECK(step.seconds > 0.0);
  CHECK(report.arenaBytes > 0);
  CHECK(report.weightBytes > 0);
}
