#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "EngineHelpers.hpp"
#include "aidge/backend/GenericKernels.hpp"
#include "aidge/core/Errors.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::test;
using Catch::Matchers::ContainsSubstring;

namespace {

std::vector<float> valuesOf(const Tensor& tensor) {
  const auto data = tensor.data<float>();
  return {data.begin(), data.end()};
}

/// "Twice": doubles its input. "Positive": the positive values as a list, whose length only a run tells. "Wrong": other dims than it promised.
class Provider final : public GenericProvider {
 public:
  std::string refusal(const Operator& op) override { return op.type() == "Never" ? "nobody can" : ""; }

  std::optional<std::vector<TensorInfo>> infer(const Operator& op, std::span<const TensorInfo> inputs) override {
    if (op.type() == "Positive") throw DataDependentError("[test::infer] expected dims that are known");
    return std::vector<TensorInfo>{{inputs[0].dims, DataType::Float32, nullptr}};
  }

  std::unique_ptr<GenericKernel> create(const Operator& op, std::span<const TensorInfo> /*inputs*/) override {
    return std::make_unique<TestKernel>(op.type());
  }

 private:
  class TestKernel final : public GenericKernel {
   public:
    explicit TestKernel(std::string type) : mType(std::move(type)) {}

    std::vector<Tensor> run(std::span<const Tensor> inputs) override {
      std::vector<float> results;
      for (const float value : valuesOf(inputs[0])) {
        if (mType == "Twice") results.push_back(2.0F * value);
        if (mType == "Positive" && value > 0.0F) results.push_back(value);
      }
      const Dims dims = mType == "Twice" ? inputs[0].dims() : Dims{static_cast<DimSize_t>(results.size())};
      return {Tensor::fromValues<float>(dims, std::span<const float>(results))};
    }

   private:
    std::string mType;
  };
};

/// Sets the provider as long as it lives.
struct Provided {
  Provided() { setGenericProvider(std::make_shared<Provider>()); }
  ~Provided() { setGenericProvider(nullptr); }
  Provided(const Provided&) = delete;
  Provided& operator=(const Provided&) = delete;
};

NodePtr genericNode(const std::string& type) { return Node::create(Operator::generic(type, 1, 1), type); }

/// Neg, the generic operator, Abs.
GraphViewPtr graphWith(const std::string& type) {
  const std::vector<NodePtr> nodes{makeNode("Neg", {}, "neg"), genericNode(type), makeNode("Abs", {}, "abs")};
  chain(nodes);
  return compiledGraph(nodes, {{2, 3}});
}

Tensor input(std::initializer_list<float> values) { return Tensor::fromValues<float>({2, 3}, values); }

}  // namespace

TEST_CASE("A provider runs generic operators between native ones") {
  const Provided provided;
  SequentialScheduler scheduler(graphWith("Twice"));
  const std::vector<Tensor> outputs = scheduler.forward(std::vector{input({1, -2, 3, 0, 5, -6})});
  CHECK(valuesOf(outputs.at(0)) == std::vector<float>{2, 4, 6, 0, 10, 12});
}

TEST_CASE("What is behind an operator whose dims only a run tells is planned when they are known, each time anew") {
  const Provided provided;
  SequentialScheduler scheduler(graphWith("Positive"));
  CHECK(valuesOf(scheduler.forward(std::vector{input({1, -2, 3, 0, 5, -6})}).at(0)) == std::vector<float>{2, 6});
  CHECK(valuesOf(scheduler.forward(std::vector{input({-1, -2, -3, -4, -5, -6})}).at(0)) == std::vector<float>{1, 2, 3, 4, 5, 6});
  CHECK(scheduler.forward(std::vector{input({1, 2, 3, 4, 5, 6})}).at(0).dims() == Dims{0});
  CHECK(valuesOf(scheduler.forward(std::vector{input({-7, 2, 3, 4, 5, -8})}).at(0)) == std::vector<float>{7, 8});
}

TEST_CASE("Generic operators are refused with a reason where nobody runs them, or what they give is not what they promised") {
  CHECK_THROWS_WITH(graphWith("Twice"), ContainsSubstring("Twice"));
  const Provided provided;
  CHECK_THROWS_WITH(graphWith("Never"), ContainsSubstring("nobody can"));
  SequentialScheduler scheduler(graphWith("Wrong"));
  CHECK_THROWS_WITH(scheduler.forward(std::vector{input({1, -2, 3, 0, 5, -6})}),
                    ContainsSubstring("output 0 of Wrong") && ContainsSubstring("[2, 3]") && ContainsSubstring("[0]"));
}
