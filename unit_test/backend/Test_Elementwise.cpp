#include <limits>

#include "EngineHelpers.hpp"
#include "RunKernel.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::test;

namespace {

double apply(const std::string& type, double a, double b) {
  if (type == "Add") return a + b;
  if (type == "Sub") return a - b;
  if (type == "Mul") return a * b;
  if (type == "Div") return a / b;
  return a < 0.0 ? a * b : a;
}

/// Value of the operand that meets output index `index` under NumPy's broadcasting.
double operand(const Tensor& tensor, const std::vector<double>& values, const Index& index) {
  const std::size_t skipped = index.size() - tensor.nbDims();
  Index own;
  for (std::size_t axis = 0; axis < tensor.nbDims(); ++axis) own.push_back(tensor.dims()[axis] == 1 ? 0 : index[axis + skipped]);
  return values[flat(tensor.dims(), own)];
}

Tensor bruteForce(const std::string& type, const Tensor& a, const Tensor& b, const Dims& dims) {
  const auto x = a.toDoubles();
  const auto y = b.toDoubles();
  return makeTensor(dims, [&](const Index& index) { return apply(type, operand(a, x, index), operand(b, y, index)); });
}

/// Away from 0, so that quotients stay moderate.
Tensor divisor(const Dims& dims, unsigned seed) {
  Tensor tensor = randomTensor(dims, seed);
  for (float& v : tensor.mutableData<float>()) v = v < 0.0F ? v - 0.5F : v + 0.5F;
  return tensor;
}

}  // namespace

TEST_CASE("Arithmetic broadcasts like NumPy in both memory orders") {
  const auto [a, b, result] = GENERATE(table<Dims, Dims, Dims>({
      {{}, {}, {}},
      {{1}, {7}, {7}},
      {{3, 1}, {1, 4}, {3, 4}},
      {{2, 3, 4, 5}, {2, 3, 4, 5}, {2, 3, 4, 5}},
      {{2, 3, 4, 5}, {}, {2, 3, 4, 5}},
      {{1}, {2, 3, 4, 5}, {2, 3, 4, 5}},
      {{2, 3, 4, 5}, {3, 1, 1}, {2, 3, 4, 5}},
      {{1, 3, 1, 1}, {2, 3, 4, 5}, {2, 3, 4, 5}},
      {{2, 3, 4, 5}, {2, 3, 1, 1}, {2, 3, 4, 5}},
      {{2, 3, 4, 5}, {5}, {2, 3, 4, 5}},
      {{2, 3, 4, 5}, {2, 1, 4, 1}, {2, 3, 4, 5}},
      {{2, 1, 4, 1}, {1, 3, 1, 5}, {2, 3, 4, 5}},
      {{4, 5}, {2, 3, 1, 1}, {2, 3, 4, 5}},
      {{2, 17, 33}, {1, 17, 1}, {2, 17, 33}},
      {{2, 3, 2, 3, 4}, {3, 1, 3, 1}, {2, 3, 2, 3, 4}},
      {{2, 40, 30, 31}, {1, 40, 1, 1}, {2, 40, 30, 31}},
      {{0, 3}, {3}, {0, 3}},
  }));
  const auto layout = GENERATE(Layout::Plain, Layout::ChannelsLast);
  for (const std::string type : {"Add", "Sub", "Mul", "Div"}) {
    const Tensor x = randomTensor(a, 1);
    const Tensor y = divisor(b, 2);
    INFO(type << toString(a) << toString(b));
    REQUIRE(difference(runKernel(Operator(type), {x, y}, layout), bruteForce(type, x, y, result)) < 1e-6);
  }
}

TEST_CASE("Arithmetic on many elements, in place and with an activation behind it") {
  const Dims dims{3, 20, 50, 31};
  const auto layout = GENERATE(Layout::Plain, Layout::ChannelsLast);
  const Dims other = GENERATE(Dims{3, 20, 50, 31}, Dims{1, 20, 1, 1}, Dims{31});
  const Tensor x = randomTensor(dims, 1);
  const Tensor y = randomTensor(other, 2);
  const Operator relu("ReLU");
  const Tensor output = runKernel(Operator("Sub"), {x, y}, layout, {{PostOp::Kind::Activation, &relu}}, true);
  const Tensor plain = bruteForce("Sub", x, y, dims);
  const auto values = plain.toDoubles();
  REQUIRE(difference(output, makeTensor(dims, [&](const Index& i) { return std::max(0.0, values[flat(dims, i)]); })) == 0.0);
}

TEST_CASE("PReLU takes slopes of every broadcastable shape") {
  const Dims dims{2, 6, 5, 7};
  const auto layout = GENERATE(Layout::Plain, Layout::ChannelsLast);
  const Dims slope = GENERATE(Dims{}, Dims{1}, Dims{7}, Dims{6, 1, 1}, Dims{6, 5, 7}, Dims{2, 6, 5, 7});
  const Tensor x = randomTensor(dims, 5);
  const Tensor y = randomTensor(slope, 6);
  REQUIRE(difference(runKernel(Operator("PReLU"), {x, y}, layout), bruteForce("PReLU", x, y, dims)) < 1e-6);
}

TEMPLATE_TEST_CASE("Arithmetic keeps other types exactly", "", double, std::int32_t, std::int64_t) {
  const auto x = Tensor::fromValues<TestType>({2, 3}, {7, -7, 5, -1, 0, 6});
  const auto y = Tensor::fromValues<TestType>({3}, {2, 4, -1});
  const bool whole = std::is_integral_v<TestType>;
  REQUIRE(runKernel(Operator("Add"), {x, y}).toDoubles() == std::vector<double>{9, -3, 4, 1, 4, 5});
  REQUIRE(runKernel(Operator("Sub"), {x, y}).toDoubles() == std::vector<double>{5, -11, 6, -3, -4, 7});
  REQUIRE(runKernel(Operator("Mul"), {x, y}).toDoubles() == std::vector<double>{14, -28, -5, -2, 0, -6});
  REQUIRE(runKernel(Operator("Div"), {x, y}).toDoubles() ==
          (whole ? std::vector<double>{3, -1, -5, 0, 0, -6} : std::vector<double>{3.5, -1.75, -5, -0.5, 0, -6}));
}

TEST_CASE("Integers wrap round, and an integer divisor of 0 is an error") {
  constexpr auto kLowest = std::numeric_limits<std::int64_t>::min();
  constexpr auto kHighest = std::numeric_limits<std::int64_t>::max();
  const auto x = Tensor::fromValues<std::int64_t>({2}, {kLowest, kHighest});
  REQUIRE(runKernel(Operator("Add"), {x, Tensor::fromValues<std::int64_t>({}, {1})}).toInts() ==
          std::vector<std::int64_t>{kLowest + 1, kLowest});
  REQUIRE(runKernel(Operator("Div"), {x, Tensor::fromValues<std::int64_t>({}, {-1})}).toInts() ==
          std::vector<std::int64_t>{kLowest, -kHighest});
  REQUIRE_THROWS_WITH(runKernel(Operator("Div"), {x, Tensor::fromValues<std::int64_t>({2}, {1, 0})}),
                      "[backend::Div] expected integer divisors other than 0, got 0");
}

TEST_CASE("Arithmetic on truth values is refused in words") {
  const KernelFactory* factory = KernelRegistry::find("cpu", "Mul");
  const std::vector<TensorInfo> inputs(2, TensorInfo{{2}, DataType::Bool, nullptr});
  REQUIRE(KernelRegistry::refusal(*factory, Operator("Mul"), inputs) ==
          "A of type bool (it runs float32 float64 float16 bfloat16 int8 int16 int32 int64 uint8 uint16 uint32 uint64)");
}
