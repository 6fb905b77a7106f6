#include "EngineHelpers.hpp"
#include "RunKernel.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::test;

namespace {

Tensor bruteForce(const Tensor& x, const std::vector<bool>& reduced, const Dims& result) {
  Dims kept = x.dims();
  for (std::size_t axis = 0; axis < kept.size(); ++axis) kept[axis] = reduced[axis] ? 1 : kept[axis];
  std::vector<double> sums(elementCount(kept), 0.0);
  forIndices(x.dims(), [&](const Index& index) {
    Index own = index;
    for (std::size_t axis = 0; axis < own.size(); ++axis) own[axis] = reduced[axis] ? 0 : own[axis];
    sums[flat(kept, own)] += static_cast<double>(x.data<float>()[flat(x.dims(), index)]);
  });
  const double count = static_cast<double>(x.size()) / static_cast<double>(sums.size());
  std::vector<float> means;
  for (const double sum : sums) means.push_back(static_cast<float>(sum / count));
  return Tensor::fromValues<float>(result, std::span<const float>(means));
}

}  // namespace

TEST_CASE("ReduceMean averages over any set of axes in both memory orders") {
  const Dims dims = GENERATE(Dims{7}, Dims{3, 5}, Dims{2, 1, 6}, Dims{2, 3, 4, 5}, Dims{2, 40, 30, 31}, Dims{2, 3, 2, 4, 3});
  const auto layout = GENERATE(Layout::Plain, Layout::ChannelsLast);
  const bool keep = GENERATE(true, false);
  if (!keep && layout == Layout::ChannelsLast) return;  // the planner gives row-major data where the rank changes
  const Tensor x = randomTensor(dims, 8);
  for (unsigned set = 1; set < 1U << dims.size(); ++set) {
    std::vector<std::int64_t> axes;
    std::vector<bool> reduced;
    Dims result;
    for (std::size_t axis = 0; axis < dims.size(); ++axis) {
      reduced.push_back((set >> axis & 1U) != 0);
      if (reduced[axis]) axes.push_back(static_cast<std::int64_t>(axis) - static_cast<std::int64_t>(dims.size()));
      if (!reduced[axis]) result.push_back(dims[axis]);
      if (reduced[axis] && keep) result.push_back(1);
    }
    const Operator op("ReduceMean", {{"axes", axes}, {"keep_dims", keep}});
    REQUIRE(difference(runKernel(op, {x}, layout), bruteForce(x, reduced, result)) < 1e-6);
  }
}

TEST_CASE("ReduceMean without axes takes them all, or none if told so") {
  const Tensor x = Tensor::fromValues<float>({2, 2}, {1.0F, 2.0F, 3.0F, 6.0F});
  REQUIRE(runKernel(Operator("ReduceMean", {{"keep_dims", false}}), {x}).toDoubles() == std::vector<double>{3.0});
  REQUIRE(runKernel(Operator("ReduceMean", {{"noop_with_empty_axes", true}}), {x}).toDoubles() == x.toDoubles());
}

TEST_CASE("ReduceMean does not drift over many equal values") {
  const Tensor x = Tensor::full({1, 1, 1000, 1001}, 0.1);
  REQUIRE(runKernel(Operator("ReduceMean"), {x}).toDoubles()[0] == static_cast<double>(0.1F));
}
