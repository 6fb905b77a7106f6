#include "EngineHelpers.hpp"
#include "RunKernel.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::test;

namespace {

Tensor bruteForce(const std::vector<Tensor>& inputs, std::size_t axis, const Dims& dims) {
  return makeTensor(dims, [&](const Index& index) {
    Index own = index;
    for (const Tensor& input : inputs) {
      if (own[axis] < input.dims()[axis]) return static_cast<double>(input.data<float>()[flat(input.dims(), own)]);
      own[axis] -= input.dims()[axis];
    }
    return 0.0;
  });
}

}  // namespace

TEST_CASE("Concat joins along any axis in both memory orders") {
  const Dims base = GENERATE(Dims{3}, Dims{2, 3}, Dims{2, 3, 4}, Dims{1, 5, 6, 7}, Dims{2, 33, 40, 31}, Dims{2, 3, 2, 3, 2});
  const auto layout = GENERATE(Layout::Plain, Layout::ChannelsLast);
  for (std::size_t axis = 0; axis < base.size(); ++axis) {
    std::vector<Tensor> inputs;
    Dims dims = base;
    dims[axis] = 0;
    for (const DimSize_t extent : {base[axis], DimSize_t{1}, DimSize_t{0}, DimSize_t{4}}) {
      Dims own = base;
      own[axis] = extent;
      dims[axis] += extent;
      inputs.push_back(randomTensor(own, static_cast<unsigned>(10 + extent)));
    }
    const Operator op("Concat", {{"axis", static_cast<std::int64_t>(axis)}}, inputs.size());
    REQUIRE(difference(runKernel(op, inputs, layout), bruteForce(inputs, axis, dims)) == 0.0);
  }
}

TEST_CASE("Concat takes one input, the same input twice, and every type") {
  const auto x = Tensor::fromValues<std::int64_t>({2, 2}, {1, 2, 3, 4});
  REQUIRE(runKernel(Operator("Concat", {}, 1), {x}).toInts() == std::vector<std::int64_t>{1, 2, 3, 4});
  REQUIRE(runKernel(Operator("Concat", {}, 2), {x, x}).toInts() == std::vector<std::int64_t>{1, 2, 1, 2, 3, 4, 3, 4});
  const auto flags = Tensor::fromValues<bool>({3}, {true, false, true});
  REQUIRE(runKernel(Operator("Concat", {{"axis", std::int64_t{0}}}, 2), {flags, flags}).toInts() ==
          std::vector<std::int64_t>{1, 0, 1, 1, 0, 1});
}
