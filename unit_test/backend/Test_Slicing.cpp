#include "EngineHelpers.hpp"
#include "RunKernel.hpp"
#include "aidge/nodes/Slicing.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::test;

using Ints = std::vector<std::int64_t>;

TEST_CASE("A slice takes the same elements in either memory order") {
  const auto layout = GENERATE(Layout::Plain, Layout::ChannelsLast);
  const Dims dims = GENERATE(Dims{2, 5, 7}, Dims{2, 6, 5, 9}, Dims{1, 3, 4, 5, 6});
  const Tensor x = randomTensor(dims, 4);
  const Operator op("Slice", {{"starts", Ints{-1, 1}}, {"ends", Ints{-100, 4}}, {"axes", Ints{1, 2}}, {"steps", Ints{-2, 1}}});
  const Tensor expected =
      makeTensor(op.infer(std::vector<TensorInfo>{{dims, DataType::Float32, nullptr}})[0].dims, [&](const Index& index) {
        Index from = index;
        from[1] = dims[1] - 1 - 2 * index[1];
        from[2] += 1;
        return x.data<float>()[flat(dims, from)];
      });
  REQUIRE(difference(runKernel(op, {x}, layout), expected) == 0.0);
}

TEST_CASE("Repetition takes the same elements in either memory order") {
  const auto layout = GENERATE(Layout::Plain, Layout::ChannelsLast);
  const Tensor x = randomTensor({2, 3, 1, 4}, 5);
  const Tensor tiled = makeTensor({2, 6, 5, 4}, [&](const Index& i) { return x.data<float>()[flat(x.dims(), {i[0], i[1] % 3, 0, i[3]})]; });
  REQUIRE(difference(runKernel(Operator("Tile", {{"repeats", Ints{1, 2, 5, 1}}}), {x}, layout), tiled) == 0.0);
  const Tensor wide = makeTensor({2, 3, 5, 4}, [&](const Index& i) { return x.data<float>()[flat(x.dims(), {i[0], i[1], 0, i[3]})]; });
  REQUIRE(difference(runKernel(Operator("Expand", {{"shape", Ints{5, 1}}}), {x}, layout), wide) == 0.0);
}

TEST_CASE("Blocks of channels and of space are each other's inverse in either memory order") {
  const auto layout = GENERATE(Layout::Plain, Layout::ChannelsLast);
  const Tensor x = randomTensor({2, 12, 3, 5}, 6);
  const AttributeMap two{{"blocksize", std::int64_t{2}}};
  const Tensor wide = runKernel(Operator("DepthToSpace", two), {x}, layout);
  const Tensor expected = makeTensor({2, 3, 6, 10}, [&](const Index& i) {
    return x.data<float>()[flat(x.dims(), {i[0], (i[2] % 2 * 2 + i[3] % 2) * 3 + i[1], i[2] / 2, i[3] / 2})];
  });
  REQUIRE(difference(wide, expected) == 0.0);
  REQUIRE(difference(runKernel(Operator("SpaceToDepth", two), {wide}, layout), x) == 0.0);
}

TEST_CASE("Gathering channels takes the same elements in either memory order") {
  const auto layout = GENERATE(Layout::Plain, Layout::ChannelsLast);
  const Tensor x = randomTensor({2, 5, 3, 4}, 7);
  const Ints order{4, 0, -2, 0};
  const Tensor indices = Tensor::fromValues<std::int64_t>({4}, order);
  const Tensor expected = makeTensor({2, 4, 3, 4}, [&](const Index& i) {
    const std::int64_t channel = order[static_cast<std::size_t>(i[1])];
    return x.data<float>()[flat(x.dims(), {i[0], channel < 0 ? channel + 5 : channel, i[2], i[3]})];
  });
  REQUIRE(difference(runKernel(Operator("Gather", {{"axis", std::int64_t{1}}}), {x, indices}, layout), expected) == 0.0);
}

TEST_CASE("Indices out of range are refused before anything is copied") {
  const Tensor x = randomTensor({4}, 8);
  const auto gather = [&](std::int64_t index) {
    return runKernel(Operator("Gather"), {x, Tensor::fromValues<std::int64_t>({1}, {index})});
  };
  REQUIRE(gather(-4).toDoubles()[0] == x.toDoubles()[0]);
  REQUIRE_THROWS_WITH(gather(4), "[backend::Gather] expected indices in [-4, 4), got 4");
  REQUIRE_THROWS_WITH(gather(-5), "[backend::Gather] expected indices in [-4, 4), got -5");
}
