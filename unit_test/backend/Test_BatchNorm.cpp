#include <cmath>

#include "EngineHelpers.hpp"
#include "RunKernel.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::test;

TEST_CASE("BatchNorm standardises every channel, in every shape and memory order") {
  const auto dims = GENERATE(Dims{4, 3}, Dims{2, 1, 5}, Dims{3, 17, 6, 7}, Dims{1, 20, 70, 41}, Dims{2, 5, 2, 3, 4}, Dims{1, 3, 1, 1});
  const auto layout = GENERATE(Layout::Plain, Layout::ChannelsLast);
  const Operator op(dims.size() == 5 ? "BatchNorm3D" : "BatchNorm2D", {{"epsilon", 1e-3}});
  const Tensor x = randomTensor(dims, 1, 3.0F);
  std::vector<Tensor> inputs{x};
  for (unsigned i = 0; i < 4; ++i) inputs.push_back(randomTensor({dims[1]}, 2 + i));
  for (float& variance : inputs[4].mutableData<float>()) variance = std::fabs(variance) + 0.1F;
  const auto parameter = [&](std::size_t i, const Index& index) {
    return static_cast<double>(inputs[i].data<float>()[static_cast<std::size_t>(index[1])]);
  };
  const Tensor expected = makeTensor(dims, [&](const Index& index) {
    const double value = x.data<float>()[flat(dims, index)];
    return parameter(1, index) * (value - parameter(3, index)) / std::sqrt(parameter(4, index) + 1e-3) + parameter(2, index);
  });
  REQUIRE(difference(runKernel(op, inputs, layout), expected) < 1e-6);

  const Operator relu("ReLU");
  const Tensor rectified = makeTensor(dims, [&](const Index& index) { return std::max(0.0F, expected.data<float>()[flat(dims, index)]); });
  REQUIRE(difference(runKernel(op, inputs, layout, {{PostOp::Kind::Activation, &relu}}, true), rectified) < 1e-6);
}
