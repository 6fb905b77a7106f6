#include <cmath>
#include <limits>
#include <map>

#include "EngineHelpers.hpp"
#include "RunKernel.hpp"
#include "backend/cpu/Activation.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::test;

namespace {

constexpr double kActivationTolerance = 1e-6;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

double reference(const Operator& op, double x) {
  const std::string& type = op.type();
  const auto number = [&](const char* name) { return op.attribute<double>(name); };
  if (type == "ReLU") return std::max(x, 0.0);
  if (type == "LeakyReLU") return x < 0.0 ? number("negative_slope") * x : x;
  if (type == "Clip") return std::min(std::max(x, number("min")), number("max"));
  if (type == "Sigmoid") return 1.0 / (1.0 + std::exp(-x));
  if (type == "Tanh") return std::tanh(x);
  if (type == "HardSigmoid") return std::min(1.0, std::max(0.0, number("alpha") * x + number("beta")));
  if (type == "HardSwish") return x * std::min(1.0, std::max(0.0, x / 6.0 + 0.5));
  if (op.attribute<std::string>("approximate") == "none") return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
  return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x)));
}

std::vector<Operator> activations() {
  std::vector<Operator> all;
  for (const char* type : {"ReLU", "Sigmoid", "Tanh", "HardSwish"}) all.emplace_back(type);
  all.emplace_back("LeakyReLU", AttributeMap{{"negative_slope", 0.3}});
  all.emplace_back("Clip", AttributeMap{{"min", -1.0}, {"max", 2.5}});
  all.emplace_back("Clip");
  all.emplace_back("HardSigmoid", AttributeMap{{"alpha", 0.3}, {"beta", 0.4}});
  all.emplace_back("GeLU");
  all.emplace_back("GeLU", AttributeMap{{"approximate", std::string("tanh")}});
  return all;
}

/// 0, tiny and ordinary values of both signs, up to 100.
std::vector<float> samples() {
  std::vector<float> values{0.0F, -0.0F, 1e-30F, -1e-30F};
  for (float v = 1e-6F; v < 100.0F; v *= 1.01F) {
    values.push_back(v);
    values.push_back(-v);
  }
  return values;
}

}  // namespace

TEST_CASE("Activations agree with their formulas to 1e-6, relative where they are large") {
  const std::vector<float> values = samples();
  const Tensor input = Tensor::fromValues<float>({static_cast<DimSize_t>(values.size())}, std::span<const float>(values));
  for (const Operator& op : activations()) {
    const bool inPlace = GENERATE(false, true);
    const Tensor output = runKernel(op, {input}, Layout::Plain, {}, inPlace);
    double worst = 0.0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double expected = reference(op, values[i]);
      worst = std::max(worst, std::fabs(output.data<float>()[i] - expected) / std::max(1.0, std::fabs(expected)));
    }
    INFO(op.type());
    REQUIRE(worst < kActivationTolerance);
  }
}

TEST_CASE("Sigmoid and tanh keep their relative accuracy near zero and in their tails") {
  const std::vector<float> values = samples();
  const Tensor input = Tensor::fromValues<float>({static_cast<DimSize_t>(values.size())}, std::span<const float>(values));
  for (const char* type : {"Sigmoid", "Tanh"}) {
    const Operator op(type);
    const Tensor output = runKernel(op, {input});
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double expected = reference(op, values[i]);
      if (std::fabs(expected) < 1e-37) continue;
      REQUIRE(std::fabs(output.data<float>()[i] / expected - 1.0) < kActivationTolerance);
    }
  }
}

TEST_CASE("Every instruction set gives the same activations") {
  const std::vector<float> values = samples();
  const Tensor input = Tensor::fromValues<float>({static_cast<DimSize_t>(values.size())}, std::span<const float>(values));
  const auto portable = cpu::findVectorLoops(InstructionSet::Portable);
  for (const auto set : {InstructionSet::Avx2, InstructionSet::Avx512}) {
    const cpu::VectorLoops* loops = cpu::findVectorLoops(set);
    if (loops == nullptr) continue;
    for (std::size_t which = 0; which < cpu::kUnaryLoops; ++which) {
      std::vector<float> expected(values.size());
      std::vector<float> got(values.size());
      portable->unary[which](values.data(), expected.data(), values.size(), -0.5F, 0.75F);
      loops->unary[which](values.data(), got.data(), values.size(), -0.5F, 0.75F);
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (got[i] == expected[i] || (std::isnan(got[i]) && std::isnan(expected[i]))) continue;  // exp is infinite, sqrt no number for some
        REQUIRE(std::fabs(got[i] - expected[i]) <= kActivationTolerance * std::max(1.0F, std::fabs(expected[i])));
      }
    }
  }
}

TEST_CASE("Activations keep NaN, and go to their limits at infinity") {
  const Tensor input = Tensor::fromValues<float>({3}, {NAN, kInfinity, -kInfinity});
  const std::map<std::string, std::pair<float, float>> limits{{"ReLU", {kInfinity, 0.0F}},
                                                              {"Sigmoid", {1.0F, 0.0F}},
                                                              {"Tanh", {1.0F, -1.0F}},
                                                              {"LeakyReLU", {kInfinity, -kInfinity}},
                                                              {"HardSigmoid", {1.0F, 0.0F}}};
  for (const auto& [type, limit] : limits) {
    const Operator op = type == "LeakyReLU" ? Operator(type, {{"negative_slope", 0.5}}) : Operator(type);
    const Tensor output = runKernel(op, {input});
    INFO(type);
    REQUIRE(std::isnan(output.data<float>()[0]));
    REQUIRE(output.data<float>()[1] == limit.first);
    REQUIRE(output.data<float>()[2] == limit.second);
  }
}

TEST_CASE("Activations may follow one another in one kernel, also as a gate") {
  const Dims dims{2, 3, 41, 67};
  const Operator relu("ReLU");
  const Operator sigmoid("Sigmoid");
  const Operator clip("Clip", {{"min", -0.5}, {"max", 0.5}});
  const Tensor input = randomTensor(dims, 4);
  const std::vector<PostOp> postOps{{PostOp::Kind::Gate, &sigmoid}, {PostOp::Kind::Activation, &relu}};
  const Tensor output = runKernel(clip, {input}, Layout::Plain, postOps);
  const Tensor expected = makeTensor(dims, [&](const Index& i) {
    const double x = reference(clip, input.data<float>()[flat(dims, i)]);
    return std::max(0.0, x * reference(sigmoid, x));
  });
  REQUIRE(difference(output, expected) < kActivationTolerance);
}

TEST_CASE("Kernels that end with a chain of activations take activations and gates, but no addition") {
  const Operator add("Add");
  const Operator relu("ReLU");
  const Operator softmax("Softmax");
  KernelRequest request;
  request.outputs = {{{1, 2}, DataType::Float32, Layout::Plain}};
  const KernelFactory* factory = KernelRegistry::find("cpu", "Add");
  REQUIRE(factory->canFuse(request, {PostOp::Kind::Activation, &relu}));
  REQUIRE(factory->canFuse(request, {PostOp::Kind::Gate, &relu}));
  REQUIRE_FALSE(factory->canFuse(request, {PostOp::Kind::Activation, &softmax}));
  REQUIRE_FALSE(factory->canFuse(request, {PostOp::Kind::Sum}));
  request.outputs[0].dtype = DataType::Int64;
  REQUIRE_FALSE(factory->canFuse(request, {PostOp::Kind::Activation, &relu}));
}

TEST_CASE("An activation of integers is refused in words") {
  const KernelFactory* factory = KernelRegistry::find("cpu", "Softmax");
  const std::vector<TensorInfo> inputs{{{2, 2}, DataType::Int64, nullptr}};
  REQUIRE(KernelRegistry::refusal(*factory, Operator("Softmax"), inputs) ==
          "data of type int64 (it runs float32 float64 float16 bfloat16)");
}
