#include <cmath>
#include <limits>

#include "EngineHelpers.hpp"
#include "RunKernel.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::test;

namespace {

Tensor bruteForce(const Tensor& x, std::size_t axis) {
  const Dims& dims = x.dims();
  const auto values = x.toDoubles();
  return makeTensor(dims, [&](const Index& index) {
    double sum = 0.0;
    const double value = values[flat(dims, index)];
    Index other = index;
    for (DimSize_t i = 0; i < dims[axis]; ++i) {
      other[axis] = i;
      sum += std::exp(values[flat(dims, other)] - value);
    }
    return 1.0 / sum;
  });
}

}  // namespace

TEST_CASE("Softmax normalises along any axis in both memory orders") {
  const auto dims = GENERATE(Dims{5}, Dims{4, 1}, Dims{3, 1000}, Dims{2, 3, 5}, Dims{2, 19, 4, 3}, Dims{1, 2, 60, 50}, Dims{2, 3, 2, 4, 5});
  const auto layout = GENERATE(Layout::Plain, Layout::ChannelsLast);
  const bool inPlace = GENERATE(false, true);
  const Tensor x = randomTensor(dims, 3, 5.0F);
  for (std::size_t axis = 0; axis < dims.size(); ++axis) {
    const Operator op("Softmax", {{"axis", static_cast<std::int64_t>(axis) - static_cast<std::int64_t>(dims.size())}});
    REQUIRE(difference(runKernel(op, {x}, layout, {}, inPlace), bruteForce(x, axis)) < 1e-6);
  }
}

TEST_CASE("Softmax of large values does not overflow, and masked ones get exactly 0") {
  const Tensor x = Tensor::fromValues<float>({1, 4}, {3e38F, 3e38F, -3e38F, -std::numeric_limits<float>::infinity()});
  REQUIRE(runKernel(Operator("Softmax"), {x}).toDoubles() == std::vector<double>{0.5, 0.5, 0.0, 0.0});
}
