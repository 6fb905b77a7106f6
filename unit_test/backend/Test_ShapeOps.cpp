#include <algorithm>
#include <numeric>

#include "EngineHelpers.hpp"
#include "RunKernel.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::test;

namespace {

Tensor bruteForce(const Tensor& x, const std::vector<std::int64_t>& order) {
  Dims dims;
  for (const std::int64_t axis : order) dims.push_back(x.dims()[static_cast<std::size_t>(axis)]);
  return makeTensor(dims, [&](const Index& index) {
    Index own(index.size());
    for (std::size_t i = 0; i < order.size(); ++i) own[static_cast<std::size_t>(order[i])] = index[i];
    return x.data<float>()[flat(x.dims(), own)];
  });
}

}  // namespace

TEST_CASE("Transpose permutes the axes of every rank in every order") {
  const Dims dims =
      GENERATE(Dims{6}, Dims{5, 7}, Dims{65, 33}, Dims{2, 3, 4}, Dims{3, 1, 5}, Dims{2, 3, 4, 5}, Dims{2, 1, 3, 2, 4}, Dims{40, 50, 33});
  const Tensor x = randomTensor(dims, 9);
  std::vector<std::int64_t> order(dims.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  do {
    REQUIRE(difference(runKernel(Operator("Transpose", {{"output_dims_order", order}}), {x}), bruteForce(x, order)) == 0.0);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("Transpose without an order reverses the axes, and takes empty and scalar tensors") {
  const Tensor x = randomTensor({3, 4, 5}, 1);
  REQUIRE(difference(runKernel(Operator("Transpose"), {x}), bruteForce(x, {2, 1, 0})) == 0.0);
  REQUIRE(runKernel(Operator("Transpose"), {Tensor::full({0, 3}, 1.0)}).dims() == Dims{3, 0});
  REQUIRE(runKernel(Operator("Transpose"), {Tensor::full({}, 4.0)}).toDoubles() == std::vector<double>{4.0});
}

TEMPLATE_TEST_CASE("Transpose moves elements of every size", "", std::int8_t, std::int16_t, float, double, std::int64_t, bool) {
  const auto x = Tensor::fromValues<TestType>({2, 3}, {0, 1, 0, 1, 1, 0});
  REQUIRE(runKernel(Operator("Transpose"), {x}).toDoubles() == std::vector<double>{0, 1, 1, 1, 0, 0});
}

TEST_CASE("Operators that only change dims copy the values") {
  const bool inPlace = GENERATE(false, true);
  const Tensor x = randomTensor({2, 3, 1, 50, 400}, 2);
  const std::vector<Operator> all{Operator("Flatten"),  Operator("Reshape", {{"shape", std::vector<std::int64_t>{0, -1}}}),
                                  Operator("Squeeze"),  Operator("Unsqueeze", {{"axes", std::vector<std::int64_t>{0}}}),
                                  Operator("Identity"), Operator("Dropout")};
  for (const Operator& op : all) {
    INFO(op.type());
    REQUIRE(runKernel(op, {x}, Layout::Plain, {}, inPlace).toDoubles() == x.toDoubles());
  }
}

TEST_CASE("Identity keeps the values in either memory order") {
  const Tensor x = randomTensor({2, 3, 4, 5}, 2);
  REQUIRE(runKernel(Operator("Identity"), {x}, Layout::ChannelsLast).toDoubles() == x.toDoubles());
}
