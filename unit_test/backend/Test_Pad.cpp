#include <string>

#include "EngineHelpers.hpp"
#include "RunKernel.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::test;

namespace {

/// Walks to the index that `i` is filled from, one step at a time; -1 for the constant.
DimSize_t source(DimSize_t i, DimSize_t extent, const std::string& mode) {
  if (mode == "constant") return i < 0 || i >= extent ? -1 : i;
  if (mode == "edge") return std::min(std::max<DimSize_t>(i, 0), extent - 1);
  while (i < 0 || i >= extent) {
    if (mode == "wrap") {
      i += i < 0 ? extent : -extent;
    } else {
      i = i < 0 ? -i : 2 * (extent - 1) - i;
    }
  }
  return i;
}

Tensor bruteForce(const Tensor& x, const Dims& pads, const std::string& mode, double value) {
  const std::size_t rank = x.nbDims();
  Dims dims = x.dims();
  for (std::size_t axis = 0; axis < rank; ++axis) dims[axis] += pads[axis] + pads[axis + rank];
  return makeTensor(dims, [&](const Index& index) {
    Index own;
    for (std::size_t axis = 0; axis < rank; ++axis) own.push_back(source(index[axis] - pads[axis], x.dims()[axis], mode));
    if (std::find(own.begin(), own.end(), -1) != own.end()) return value;
    return static_cast<double>(x.data<float>()[flat(x.dims(), own)]);
  });
}

}  // namespace

TEST_CASE("Pad fills in every mode, rank and memory order") {
  const auto [dims, pads] = GENERATE(table<Dims, Dims>({
      {{4}, {2, 3}},
      {{3, 5}, {0, 2, 1, 0}},
      {{2, 3, 6}, {0, 1, 5, 1, 2, 4}},
      {{2, 3, 4, 5}, {0, 0, 1, 2, 0, 0, 3, 1}},
      {{2, 3, 4, 5}, {1, 2, 0, 0, 0, 1, 0, 4}},
      {{1, 20, 31, 33}, {0, 0, 3, 3, 0, 0, 3, 3}},
      {{2, 3, 2, 3, 2}, {0, 0, 1, 1, 1, 0, 0, 1, 0, 1}},
  }));
  const std::string mode = GENERATE("constant", "reflect", "edge", "wrap");
  const auto layout = GENERATE(Layout::Plain, Layout::ChannelsLast);
  const Tensor x = randomTensor(dims, 4);
  const Operator op("Pad", {{"pads", pads}, {"mode", mode}, {"value", -1.5}});
  REQUIRE(difference(runKernel(op, {x}, layout), bruteForce(x, pads, mode, -1.5)) == 0.0);
}

TEST_CASE("Negative pads crop, also where the other end is filled") {
  const Dims pads = GENERATE(Dims{0, 0, -1, -2, 0, 0, -1, 0}, Dims{0, -1, 2, -3, 0, 1, -4, 2}, Dims{0, 0, -4, 0, 0, 0, 2, 0});
  const auto layout = GENERATE(Layout::Plain, Layout::ChannelsLast);
  const Tensor x = randomTensor({2, 3, 4, 5}, 4);
  REQUIRE(difference(runKernel(Operator("Pad", {{"pads", pads}}), {x}, layout), bruteForce(x, pads, "constant", 0.0)) == 0.0);
}

TEST_CASE("Pad converts its value to the data's type, and pads only the axes named") {
  const auto x = Tensor::fromValues<std::int64_t>({1, 2}, {1, 2});
  const Operator op("Pad", {{"pads", std::vector<std::int64_t>{1, 2}}, {"value", 7.0}, {"axes", std::vector<std::int64_t>{-1}}});
  REQUIRE(runKernel(op, {x}).toInts() == std::vector<std::int64_t>{7, 1, 2, 7, 7});
  const auto flags = Tensor::fromValues<bool>({1, 2}, {true, true});
  REQUIRE(runKernel(Operator("Pad", {{"pads", std::vector<std::int64_t>{0, 1, 0, 0}}}), {flags}).toInts() ==
          std::vector<std::int64_t>{0, 1, 1});
}
