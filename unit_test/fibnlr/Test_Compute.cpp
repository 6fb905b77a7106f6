#include "aidge/fibnlr/Compute.hpp"

#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>

#include "Graphs.hpp"
#include "aidge/nodes/Activation.hpp"
#include "aidge/nodes/Convolution.hpp"
#include "aidge/scheduler/SequentialScheduler.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::fibnlr;
using namespace Aidge::fibnlr::test;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr double kTolerance = 1e-6;

Tensor randomTensor(const Dims& dims, unsigned seed, float mean = 0.2F) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(mean, 1.0F);
  std::vector<float> values(elementCount(dims));
  for (float& value : values) value = normal(random);
  return Tensor::fromValues<float>(dims, std::span<const float>(values));
}

/// Batches that are the same in every pass.
TensorDataProvider provider(std::size_t samples = 12, std::size_t batchSize = 3) {
  return TensorDataProvider({randomTensor({static_cast<DimSize_t>(samples), 3, 4, 5}, 1)}, batchSize);
}

GraphViewPtr compiled(const GraphViewPtr& graph) {
  graph->compile("cpu", DataType::Float32, {{3, 3, 4, 5}});
  return graph;
}

/// relu "a" → convolution → relu "b", compiled.
GraphViewPtr network() {
  const NodePtr conv = Conv<2>(3, 4, {3, 3}, "conv");
  conv->getParent(1)->getOperator()->setOutput(0, randomTensor({4, 3, 3, 3}, 7, 0.0F));
  const auto graph = chain({relu("a"), conv, relu("b")});
  graph->add(conv);
  return compiled(graph);
}

/// No convergence within a few batches.
Parameters patient() {
  Parameters params;
  params.convergenceThreshold = 0.0;
  return params;
}

/// The balance of the first `samples` samples of the provider's data, by the definition.
NPR balanceOf(std::size_t samples, double upper = std::numeric_limits<double>::infinity()) {
  const Tensor data = randomTensor({12, 3, 4, 5}, 1);
  NPR ratio;
  for (std::size_t i = 0; i < samples * 60; ++i) ratio.add(static_cast<double>(data.data<float>()[i]), upper);
  return ratio;
}

}  // namespace

TEST_CASE("The balance of the graph's input is that of the data", "[fibnlr][Compute]") {
  const auto graph = network();
  prepare(graph);
  auto data = provider();
  const Convergence result = compute(graph, data, patient());
  const NPR& ratio = get<NPR>(graph->getNode("a"));
  REQUIRE(ratio.neg == Approx(balanceOf(12).neg).epsilon(kTolerance));
  REQUIRE(ratio.pos == Approx(balanceOf(12).pos).epsilon(kTolerance));
  REQUIRE(result.iterations == 4);
  REQUIRE(result.samples == 12);
  REQUIRE(result.values.size() == 3);
  REQUIRE(result.reason == StopReason::OutOfData);
  REQUIRE_FALSE(result.converged);
  REQUIRE(get<ActivityTracker>(graph->getNode("a")).countDeadNeurons() == 0);
}

TEST_CASE("A smaller last batch counts with its own samples", "[fibnlr][Compute]") {
  const auto graph = network();
  prepare(graph);
  auto data = provider(12, 5);
  const Convergence result = compute(graph, data, patient());
  REQUIRE(result.iterations == 3);
  REQUIRE(result.samples == 12);
  REQUIRE(get<NPR>(graph->getNode("a")).neg == Approx(balanceOf(12).neg).epsilon(kTolerance));
}

TEST_CASE("Inside the network the balance is that of the values there", "[fibnlr][Compute]") {
  const auto graph = network();
  prepare(graph);
  auto data = provider();
  compute(graph, data, patient());
  const auto prefix = network();
  prefix->remove(prefix->getNode("b"));
  SequentialScheduler scheduler(prefix);
  NPR expected;
  data.reset();
  while (const auto batch = data.next()) {
    for (const double value : scheduler.forward(*batch).front().toDoubles()) expected.add(value);
  }
  REQUIRE(get<NPR>(graph->getNode("b")).neg == Approx(expected.neg).epsilon(kTolerance));
  REQUIRE(get<NPR>(graph->getNode("b")).pos == Approx(expected.pos).epsilon(kTolerance));
}

TEST_CASE("The convergence value is the sum of the squared changes", "[fibnlr][Compute]") {
  const auto graph = compiled(chain({relu("a")}));
  prepare(graph);
  auto data = provider();
  const Convergence result = compute(graph, data, patient());
  for (std::size_t k = 0; k < result.values.size(); ++k) {
    const double change = balanceOf(3 * (k + 2)).value() - balanceOf(3 * (k + 1)).value();
    REQUIRE(result.values[k] == Approx(change * change).epsilon(1e-4));
  }
}

TEST_CASE("Compute stops at convergence, strictly below the threshold", "[fibnlr][Compute]") {
  const auto graph = compiled(chain({relu("a")}));
  prepare(graph);
  auto data = provider();
  const auto all = compute(graph, data, patient()).values;
  Parameters params;
  params.convergenceThreshold = std::nextafter(all[0], 1.0);
  prepare(graph);
  const Convergence result = compute(graph, data, params);
  REQUIRE(result.converged);
  REQUIRE(result.reason == StopReason::Converged);
  REQUIRE(result.iterations == 2);
  REQUIRE(result.values == std::vector<double>{all[0]});
  params.convergenceThreshold = all[0];
  prepare(graph);
  REQUIRE(compute(graph, data, params).iterations > 2);
}

TEST_CASE("Compute stops at the iteration limit, and 0 is no limit", "[fibnlr][Compute]") {
  const auto graph = network();
  prepare(graph);
  auto data = provider();
  Parameters params = patient();
  params.maxIteration = 1;
  const Convergence one = compute(graph, data, params);
  REQUIRE(one.reason == StopReason::MaxIteration);
  REQUIRE(one.iterations == 1);
  REQUIRE(one.values.empty());
  params.maxIteration = 4;
  REQUIRE(compute(graph, data, params).reason == StopReason::MaxIteration);
  params.maxIteration = 0;
  REQUIRE(compute(graph, data, params).reason == StopReason::OutOfData);
}

TEST_CASE("A second call starts a fresh pass and adds to the first", "[fibnlr][Compute]") {
  const auto graph = network();
  prepare(graph);
  auto data = provider();
  compute(graph, data, patient());
  const NPR once = get<NPR>(graph->getNode("a"));
  compute(graph, data, patient());
  REQUIRE(get<NPR>(graph->getNode("a")).neg == Approx(2 * once.neg).epsilon(kTolerance));
  REQUIRE(get<NPR>(graph->getNode("a")).value() == Approx(once.value()).epsilon(kTolerance));
}

TEST_CASE("The callback sees every iteration and may stop", "[fibnlr][Compute]") {
  const auto graph = network();
  prepare(graph);
  auto data = provider();
  std::vector<Progress> seen;
  const Convergence result = compute(graph, data, patient(), [&](const Progress& progress) {
    seen.push_back(progress);
    return progress.iteration < 3;
  });
  REQUIRE(result.reason == StopReason::Stopped);
  REQUIRE(toString(result.reason) == "stopped");
  REQUIRE(seen.size() == 3);
  REQUIRE_FALSE(seen[0].convergence);
  REQUIRE(seen[1].convergence == result.values[0]);
  REQUIRE(seen[2].samples == 9);
  REQUIRE(seen[2].batches == 4);
  REQUIRE_FALSE(std::isnan(get<NNPR>(graph->getNode("a")).value));
}

TEST_CASE("A forward of one's own adds to the balance too", "[fibnlr][Compute]") {
  const auto graph = network();
  prepare(graph);
  SequentialScheduler scheduler(graph);
  auto data = provider();
  while (const auto batch = data.next()) static_cast<void>(scheduler.forward(*batch));
  REQUIRE(get<NPR>(graph->getNode("a")).neg == Approx(balanceOf(12).neg).epsilon(kTolerance));
}

TEST_CASE("Activations inside meta operators are measured", "[fibnlr][Compute]") {
  const auto inner = chain({makeNode("LeakyReLU", {{"negative_slope", 1.0}}, "deep"), relu("deeper")});
  const auto graph = compiled(chain({makeNode("Identity", {}, "id"), MetaOperator("Block", inner, "block")}));
  REQUIRE(prepare(graph).size() == 2);
  auto data = provider();
  compute(graph, data, patient());
  for (const char* name : {"deep", "deeper"}) {
    REQUIRE(get<NPR>(inner->getNode(name)).neg == Approx(balanceOf(12).neg).epsilon(kTolerance));
  }
}

TEST_CASE("What a Clip cuts off above counts as departure", "[fibnlr][Compute]") {
  const auto graph = compiled(chain({Clip("clip", 0.0, 0.75)}));
  Parameters params = patient();
  params.prunableTypes = {"Clip"};
  prepare(graph, params);
  auto data = provider();
  compute(graph, data, params);
  const NPR& ratio = get<NPR>(graph->getNode("clip"));
  REQUIRE(ratio.neg == Approx(balanceOf(12, 0.75).neg).epsilon(kTolerance));
  REQUIRE(ratio.pos == Approx(balanceOf(12).pos).epsilon(kTolerance));
}

TEST_CASE("PReLU and GeLU are measured like ReLU", "[fibnlr][Compute]") {
  const auto graph = compiled(chain({makeNode("Identity", {}, "id"), GeLU("none", "g")}));
  const auto other = GraphView::create();
  other->add(PReLU(3, "p"));
  other->setInputs({{"x", {3, 3, 4, 5}, true, DataType::Float32, {{other->getNode("p"), 0}}}});
  compiled(other);
  Parameters params = patient();
  params.prunableTypes = {"PReLU", "GeLU"};
  for (const auto& model : {graph, other}) {
    const NodeSet nodes = prepare(model, params);
    REQUIRE(nodes.size() == 1);
    auto data = provider();
    compute(model, data, params);
    REQUIRE(get<NPR>(*nodes.begin()).neg == Approx(balanceOf(12).neg).epsilon(kTolerance));
  }
}

TEST_CASE("A channel that is never positive is dead", "[fibnlr][Compute]") {
  const auto graph = compiled(chain({relu("a")}));
  prepare(graph);
  std::vector<float> values(3 * 60);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = (i / 20) % 3 == 1 ? -0.5F : 0.5F;
  TensorDataProvider data({Tensor::fromValues<float>({3, 3, 4, 5}, std::span<const float>(values))}, 3);
  compute(graph, data, patient());
  REQUIRE(get<ActivityTracker>(graph->getNode("a")).neurons == std::vector<bool>{false, true, false});
}

TEST_CASE("NaN or infinity in a batch is an error that says where, and undoes the call", "[fibnlr][Compute]") {
  const auto graph = network();
  prepare(graph);
  auto good = provider();
  compute(graph, good, patient());
  const NPR before = get<NPR>(graph->getNode("b"));
  const NNPR normalized = get<NNPR>(graph->getNode("b"));
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    Tensor values = randomTensor({12, 3, 4, 5}, 1);
    values.mutableData<float>()[7 * 60] = bad;
    TensorDataProvider data({values}, 3);
    REQUIRE_THROWS_WITH(compute(graph, data, patient()), ContainsSubstring("\"a\"") && ContainsSubstring("batch 2"));
    REQUIRE(get<NPR>(graph->getNode("b")) == before);
    REQUIRE(get<NNPR>(graph->getNode("b")) == normalized);
  }
}

TEST_CASE("NaN that a layer makes is an error that names the next activation", "[fibnlr][Compute]") {
  const auto graph = network();
  prepare(graph);
  std::vector<float> weights(4 * 3 * 9, std::numeric_limits<float>::infinity());
  graph->getNode("conv_w")->getOperator()->setOutput(0, Tensor::fromValues<float>({4, 3, 3, 3}, std::span<const float>(weights)));
  auto data = provider();
  REQUIRE_THROWS_WITH(compute(graph, data, patient()), ContainsSubstring("\"b\"") && ContainsSubstring("batch 0"));
  REQUIRE(get<NPR>(graph->getNode("a")) == NPR{});
}

TEST_CASE("What the callback throws ends compute and undoes it", "[fibnlr][Compute]") {
  const auto graph = network();
  prepare(graph);
  auto data = provider();
  REQUIRE_THROWS_WITH(compute(graph, data, patient(), [](const Progress&) -> bool { throw std::runtime_error("enough"); }), "enough");
  REQUIRE(get<NPR>(graph->getNode("a")) == NPR{});
  REQUIRE(graph->getNode("a")->inputObservers(0).size() == 1);
}

TEST_CASE("Compute says what is missing before it runs", "[fibnlr][Compute]") {
  auto data = provider();
  REQUIRE_THROWS_WITH(compute(network(), data), ContainsSubstring("prepare must run first"));
  const auto loose = chain({relu("a")});
  prepare(loose);
  REQUIRE_THROWS_WITH(compute(loose, data), ContainsSubstring("compiled"));
  REQUIRE_THROWS_AS(compute(nullptr, data), std::invalid_argument);
  TensorDataProvider empty({Tensor::full({2, 3, 4, 5}, 0.0)}, 3, true);
  const auto graph = network();
  prepare(graph);
  REQUIRE_THROWS_WITH(compute(graph, empty), ContainsSubstring("empty"));
}

TEST_CASE("A graph without activations needs no data", "[fibnlr][Compute]") {
  const auto graph = compiled(chain({makeNode("Sigmoid", {}, "s")}));
  prepare(graph);
  auto data = provider();
  REQUIRE(compute(graph, data).iterations == 0);
}

TEST_CASE("After pruning, compute goes on with what is left", "[fibnlr][Compute]") {
  const auto graph = network();
  prepare(graph);
  auto data = provider();
  compute(graph, data, patient());
  Parameters dry = patient();
  dry.ablationMethod = AblationMethod::None;
  static_cast<void>(prune(graph, dry));
  REQUIRE_FALSE(isObserved(graph));
  const double once = get<NPR>(graph->getNode("a")).neg;
  compute(graph, data, patient());
  REQUIRE(get<NPR>(graph->getNode("a")).neg == Approx(2 * once).epsilon(kTolerance));
}

TEST_CASE("A scheduler from before pruning runs the pruned graph", "[fibnlr][Fibnlr]") {
  for (const AblationMethod method : {AblationMethod::Identity, AblationMethod::Remove}) {
    const auto graph = network();
    SequentialScheduler scheduler(graph);
    auto data = provider();
    const auto batch = *data.next();
    static_cast<void>(scheduler.forward(batch));
    Parameters params = patient();
    params.ablationThreshold = 1e9;
    params.ablationMethod = method;
    REQUIRE(fibnlr::fibnlr(graph, data, params).size() == 2);
    REQUIRE_FALSE(isObserved(graph));
    const auto linear = network();
    linear->replace(linear->getNode("a"), makeNode("Identity", {}, "a"));
    linear->bypass(linear->getNode("b"));
    REQUIRE(scheduler.forward(batch).front().toDoubles() == SequentialScheduler(linear).forward(batch).front().toDoubles());
  }
}

TEST_CASE("A failure of fibnlr leaves graph, attributes and observers as they were", "[fibnlr][Fibnlr]") {
  const auto graph = network();
  auto data = provider();
  REQUIRE_THROWS_WITH(fibnlr::fibnlr(graph, data, patient(), [](const Progress&) -> bool { throw std::runtime_error("enough"); }),
                      "enough");
  REQUIRE_FALSE(isObserved(graph));
  REQUIRE_FALSE(has<NPR>(graph->getNode("a")));
  REQUIRE(graph->getNode("a")->type() == "ReLU");
}

TEST_CASE("The convergence of two sets of ratios is their squared distance, if they hold the same nodes", "[fibnlr][Compute]") {
  const NodePtr a = relu("a");
  const NodePtr b = relu("b");
  const auto [converged, value] = computeConvergence({{a, 1.0}, {b, 2.0}}, {{a, 1.5}, {b, 1.0}}, 1.25);
  REQUIRE_FALSE(converged);
  REQUIRE(value == 1.25);
  REQUIRE(computeConvergence({{a, 1.0}}, {{a, 1.0}}).first);
  REQUIRE_FALSE(computeConvergence({}, {}).first);
  REQUIRE_FALSE(computeConvergence({{a, 1.0}}, {{b, 1.0}}).first);
  REQUIRE_FALSE(computeConvergence({{a, 1.0}}, {{a, 1.0}, {b, 1.0}}).first);
}
