#include <cmath>

#include "EngineHelpers.hpp"
#include "RunKernel.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::test;

TEST_CASE("LRN divides by the power of the neighbouring channels' squares, in both memory orders") {
  const Dims dims = GENERATE(Dims{3, 4}, Dims{2, 7, 5}, Dims{2, 9, 6, 5}, Dims{1, 16, 40, 39}, Dims{2, 5, 2, 3, 2});
  const auto layout = GENERATE(Layout::Plain, Layout::ChannelsLast);
  const std::int64_t size = GENERATE(1, 2, 3, 4, 5, 13, 40);
  const double beta = GENERATE(0.75, 0.6);
  const Tensor x = randomTensor(dims, 1, 3.0F);
  const Operator op("LRN", {{"size", size}, {"alpha", 0.3}, {"beta", beta}, {"bias", 1.5}});
  const Tensor expected = makeTensor(dims, [&](const Index& index) {
    double squares = 0.0;
    Index other = index;
    for (other[1] = index[1] - (size - 1) / 2; other[1] <= index[1] + size / 2; ++other[1]) {
      if (other[1] >= 0 && other[1] < dims[1]) squares += std::pow(static_cast<double>(x.data<float>()[flat(dims, other)]), 2);
    }
    return x.data<float>()[flat(dims, index)] / std::pow(1.5 + 0.3 / static_cast<double>(size) * squares, beta);
  });
  REQUIRE(difference(runKernel(op, {x}, layout), expected) < 1e-6);
}
