#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "aidge/backend/Kernel.hpp"
#include "aidge/backend/cpu/Threads.hpp"
#include "backend/cpu/SignActivation.hpp"
#include "backend/cpu/VectorLoops.hpp"
#include "catch.hpp"

using namespace Aidge;
using Catch::Approx;

namespace {

constexpr double kSumTolerance = 1e-7;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> randomValues(std::size_t n, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(-0.2F, 2.0F);
  std::vector<float> values(n);
  for (float& v : values) v = normal(engine);
  return values;
}

/// Makes channel `c` negative everywhere.
void kill(std::vector<float>& values, const Dims& dims, Layout layout, std::size_t c) {
  std::size_t inner = 1;
  for (std::size_t axis = 2; axis < dims.size(); ++axis) inner *= static_cast<std::size_t>(dims[axis]);
  if (layout == Layout::ChannelsLast) inner = 1;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i / inner % static_cast<std::size_t>(dims[1]) == c) values[i] = -std::fabs(values[i]);
  }
}

void requireSame(const SignAccumulator& got, const SignAccumulator& expected) {
  REQUIRE(got.negative == Approx(expected.negative).epsilon(kSumTolerance).margin(0.0));
  REQUIRE(got.positive == Approx(expected.positive).epsilon(kSumTolerance).margin(0.0));
  REQUIRE(got.active == expected.active);
}

SignAccumulator exact(const std::vector<float>& values, const Dims& dims, Layout layout, double upper) {
  SignAccumulator sums;
  cpu::signSummary({values.data(), DataType::Float32, dims, layout}, upper, sums);
  return sums;
}

const std::shared_ptr<Operator> relu = Operator::generic("ReLU", 1, 1);

}  // namespace

TEST_CASE("The sign summary of small values is the one computed by hand") {
  const std::vector<float> values{-1.0F, 2.0F, -3.0F, -0.5F, 0.0F, 7.0F};
  SignAccumulator sums;
  cpu::signSummary({values.data(), DataType::Float32, Dims{1, 3, 2}, Layout::Plain}, 6.0, sums);
  REQUIRE(sums.negative == 1.0 + 3.0 + 0.5 + 1.0);
  REQUIRE(sums.positive == 9.0);
  REQUIRE(sums.active == std::vector<std::uint8_t>{1, 0, 1});
}

TEST_CASE("ReLU with statistics gives the values of ReLU and the sums of its input in every shape and layout") {
  const auto dims = GENERATE(Dims{1, 1, 1, 1}, Dims{2, 3, 5, 7}, Dims{3, 17, 9, 4}, Dims{5, 33}, Dims{2, 70, 31, 29}, Dims{4, 64, 16, 16},
                             Dims{2, 5, 33}, Dims{2, 6, 3, 5, 7}, Dims{37}, Dims{}, Dims{3, 20000}, Dims{2, 3, 101, 103});
  const auto layout = GENERATE(Layout::Plain, Layout::ChannelsLast);
  const bool inPlace = GENERATE(false, true);
  const auto input = [&] {
    auto values = randomValues(elementCount(dims), 7);
    if (dims.size() > 1) kill(values, dims, layout, static_cast<std::size_t>(dims[1]) / 2);
    return values;
  }();
  const double upper = GENERATE(std::numeric_limits<double>::infinity(), 1.5);
  std::vector<float> work = input;
  std::vector<float> output(inPlace ? 0 : input.size());
  float* out = inPlace ? work.data() : output.data();
  SignAccumulator sums;
  cpu::signActivation(work.data(), out, dims, layout, relu.get(), upper, sums);
  requireSame(sums, exact(input, dims, layout, upper));
  bool same = true;
  for (std::size_t i = 0; i < input.size(); ++i) same = same && out[i] == std::max(input[i], 0.0F);
  REQUIRE(same);
}

TEST_CASE("Statistics alone leave the values as they are and need no activation") {
  const auto input = randomValues(2 * 5 * 300, 3);
  std::vector<float> work = input;
  SignAccumulator sums;
  cpu::signActivation(work.data(), nullptr, Dims{2, 5, 300}, Layout::Plain, nullptr, kInfinity, sums);
  requireSame(sums, exact(input, {2, 5, 300}, Layout::Plain, kInfinity));
  REQUIRE(work == input);
}

TEST_CASE("Other activations are applied in the same call, in place too") {
  const Dims dims{2, 40, 13, 17};
  const auto layout = GENERATE(Layout::Plain, Layout::ChannelsLast);
  auto input = randomValues(elementCount(dims), 11);
  kill(input, dims, layout, 3);
  const auto leaky = Operator::generic("LeakyReLU", 1, 1, {{"negative_slope", 0.25}});
  const auto clip = Operator::generic("Clip", 1, 1, {{"min", 0.5}, {"max", 1.5}});
  const auto gelu = Operator::generic("GeLU", 1, 1, {{"approximate", std::string("none")}});
  const auto reference = [](const Operator& op, double x) {
    if (op.type() == "LeakyReLU") return x < 0.0 ? op.attribute<double>("negative_slope") * x : x;
    if (op.type() == "Clip") return std::min(std::max(x, op.attribute<double>("min")), 1.5);
    return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
  };
  const auto mirror = Operator::generic("LeakyReLU", 1, 1, {{"negative_slope", -0.5}});
  const auto clipAtZero = Operator::generic("Clip", 1, 1, {{"min", 0.0}, {"max", 1.5}});
  for (const auto& op : {leaky, mirror, clip, clipAtZero, gelu}) {
    std::vector<float> work = input;
    SignAccumulator sums;
    cpu::signActivation(work.data(), work.data(), dims, layout, op.get(), 1.5, sums);
    requireSame(sums, exact(input, dims, layout, 1.5));
    double worst = 0.0;
    for (std::size_t i = 0; i < input.size(); ++i) worst = std::max(worst, std::fabs(work[i] - reference(*op, input[i])));
    REQUIRE(worst < 1e-6);
  }
}

TEST_CASE("PReLU takes one slope, or one a channel") {
  const Dims dims{2, 3, 50, 90};
  const auto layout = GENERATE(Layout::Plain, Layout::ChannelsLast);
  const auto input = randomValues(elementCount(dims), 5);
  const auto prelu = std::make_shared<Operator>("PReLU");
  REQUIRE_FALSE(cpu::canSignActivate(*prelu, dims));
  prelu->setInput(1, Tensor::fromValues<float>({3}, {0.5F, -1.0F, 2.0F}));
  REQUIRE_FALSE(cpu::canSignActivate(*prelu, dims));  // aligned at the last axis: not the channels
  prelu->setInput(1, Tensor::fromValues<float>({3, 1, 1}, {0.5F, -1.0F, 2.0F}));
  REQUIRE(cpu::canSignActivate(*prelu, dims));
  std::vector<float> output(input.size());
  SignAccumulator sums;
  cpu::signActivation(input.data(), output.data(), dims, layout, prelu.get(), kInfinity, sums);
  requireSame(sums, exact(input, dims, layout, kInfinity));
  const std::vector<float> slopes{0.5F, -1.0F, 2.0F};
  bool same = true;
  for (std::size_t i = 0; i < input.size(); ++i) {
    const float slope = slopes[layout == Layout::Plain ? i / 4500 % 3 : i % 3];
    same = same && output[i] == (input[i] < 0.0F ? input[i] * slope : input[i]);
  }
  REQUIRE(same);
}

TEST_CASE("Sums over several calls add up and a channel stays active") {
  const auto first = randomValues(3 * 4 * 11, 1);
  const auto second = std::vector<float>(3 * 4 * 11, -1.0F);
  SignAccumulator sums;
  cpu::signActivation(first.data(), nullptr, Dims{3, 4, 11}, Layout::Plain, nullptr, kInfinity, sums);
  cpu::signActivation(second.data(), nullptr, Dims{3, 4, 11}, Layout::Plain, nullptr, kInfinity, sums);
  auto expected = exact(first, {3, 4, 11}, Layout::Plain, kInfinity);
  expected.negative += 3 * 4 * 11;
  requireSame(sums, expected);
}

TEST_CASE("Another channel count than before is an error that names both") {
  const std::vector<float> values(24, 1.0F);
  SignAccumulator sums;
  cpu::signActivation(values.data(), nullptr, Dims{1, 4, 6}, Layout::Plain, nullptr, kInfinity, sums);
  REQUIRE_THROWS_WITH(cpu::signActivation(values.data(), nullptr, Dims{1, 6, 4}, Layout::Plain, nullptr, kInfinity, sums),
                      "[backend::signActivation] expected 4 channels, got 6");
}

TEST_CASE("An activation of several values is refused") {
  std::vector<float> values(24, 1.0F);
  SignAccumulator sums;
  const auto softmax = Operator::generic("Softmax", 1, 1);
  REQUIRE_FALSE(cpu::canSignActivate(*softmax, Dims{24}));
  REQUIRE_THROWS_AS(cpu::signActivation(values.data(), values.data(), Dims{24}, Layout::Plain, softmax.get(), kInfinity, sums),
                    std::invalid_argument);
}

TEST_CASE("NaN and infinity anywhere make the sums non-finite") {
  const float bad = GENERATE(std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity);
  const std::size_t position = GENERATE(0, 77, 1023, 4098);  // vector body and tail
  auto values = randomValues(4099, 2);
  values[position] = bad;
  for (const auto set : {InstructionSet::Portable, InstructionSet::Avx2, InstructionSet::Avx512}) {
    const cpu::VectorLoops* loops = cpu::findVectorLoops(set);
    if (loops == nullptr) continue;
    cpu::SignSums sums;
    std::vector<float> output(values.size());
    loops->signRelu(values.data(), output.data(), values.size(), kInfinity, 0.0F, &sums);
    REQUIRE_FALSE(std::isfinite(sums.negative + sums.positive));
    REQUIRE(std::isnan(output[position]) == std::isnan(bad));
  }
}

TEST_CASE("Every instruction set gives the same statistics") {
  const std::size_t n = GENERATE(0, 1, 15, 16, 127, 128, 129, 8192, 8200);
  const auto values = randomValues(n, 21);
  const float upper = GENERATE(kInfinity, 1.0F);
  cpu::SignSums expected;
  for (const float v : values) {
    (v < 0.0F ? expected.negative : expected.positive) += std::fabs(static_cast<double>(v));
    if (v > upper) expected.above += static_cast<double>(v) - upper;
  }
  for (const auto set : {InstructionSet::Portable, InstructionSet::Avx2, InstructionSet::Avx512}) {
    const cpu::VectorLoops* loops = cpu::findVectorLoops(set);
    if (loops == nullptr) continue;
    cpu::SignSums sums;
    loops->signSums(values.data(), nullptr, n, upper, 0.0F, &sums);
    REQUIRE(sums.negative == Approx(expected.negative).epsilon(kSumTolerance).margin(0.0));
    REQUIRE(sums.positive == Approx(expected.positive).epsilon(kSumTolerance).margin(0.0));
    REQUIRE(sums.above == Approx(expected.above).epsilon(kSumTolerance).margin(0.0));
  }
}

TEST_CASE("Equal values are summed without drift") {
  const std::vector<float> values(1'000'003, 0.1F);
  SignAccumulator sums;
  cpu::signActivation(values.data(), nullptr, Dims{1, 1, 1'000'003}, Layout::Plain, nullptr, kInfinity, sums);
  REQUIRE(sums.positive == Approx(1'000'003 * static_cast<double>(0.1F)).epsilon(1e-9));
}

TEST_CASE("The statistics do not depend on the number of threads") {
  const Dims dims{3, 70, 41, 37};
  const auto layout = GENERATE(Layout::Plain, Layout::ChannelsLast);
  auto input = randomValues(elementCount(dims), 13);
  kill(input, dims, layout, 60);
  std::vector<SignAccumulator> results;
  for (const int threads : {1, 2, 3}) {
    cpu::setNumThreads(threads);
    const ThreadScope scope = KernelRegistry::services("cpu").enterThread();
    REQUIRE(scope.threads == threads);
    results.emplace_back();
    cpu::signActivation(input.data(), nullptr, dims, layout, nullptr, 1.0, results.back());
  }
  cpu::setNumThreads(0);
  for (const SignAccumulator& result : results) {
    REQUIRE(result.negative == results[0].negative);
    REQUIRE(result.positive == results[0].positive);
    REQUIRE(result.active == results[0].active);
  }
}
