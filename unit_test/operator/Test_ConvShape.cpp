#include "aidge/operator/ConvShape.hpp"

#include "Infer.hpp"

using namespace Aidge;
using namespace test;

TEST_CASE("A convolution's geometry is read from its attributes and its weight", "[ConvShape]") {
  const Operator op(
      "Conv2D",
      {{"stride_dims", Ints{1, 2}}, {"dilation_dims", Ints{2, 1}}, {"padding_dims", Ints{1, 0, 2, 3}}, {"groups", std::int64_t{2}}});
  const auto shape = convShape(op, {kDynamicDim, kDynamicDim}, {6, 2, 3, 5});
  REQUIRE(shape);
  CHECK((shape->kernel == Dims{3, 5} && shape->stride == Dims{1, 2} && shape->dilation == Dims{2, 1}));
  CHECK((shape->padBegin == Dims{1, 0} && shape->padEnd == Dims{2, 3}));
  CHECK((shape->in == 4 && shape->out == 6 && shape->groups == 2 && !shape->hasBias));
  const Dims output = inferred("Conv2D", op.attributes(), {{1, 4, 9, 9}, {6, 2, 3, 5}, {}});
  CHECK(shape->output({9, 9}) == Dims(output.begin() + 2, output.end()));
}

TEST_CASE("Automatic padding is known for every size without a stride, else for a given size", "[ConvShape]") {
  const Operator op("Conv2D", {{"auto_pad", std::string("SAME_LOWER")}});
  const auto shape = convShape(op, {kDynamicDim, kDynamicDim}, {1, 1, 3, 4});
  REQUIRE(shape);
  CHECK((shape->padBegin == Dims{1, 2} && shape->padEnd == Dims{1, 1}));
  const Operator strided("Conv1D", {{"auto_pad", std::string("SAME_UPPER")}, {"stride_dims", Ints{2}}});
  CHECK_FALSE(convShape(strided, {kDynamicDim}, {1, 1, 3}));
  CHECK(convShape(strided, {8}, {1, 1, 3})->padEnd == Dims{1});
  CHECK(convShape(strided, {8}, {1, 1, 3})->padBegin == Dims{0});
}

TEST_CASE("A pooling has a window and no channels", "[ConvShape]") {
  const Operator op("AvgPooling2D", {{"kernel_dims", Ints{2, 3}}, {"stride_dims", Ints{2, 2}}});
  const auto shape = windowShape(op, {kDynamicDim, 9});
  REQUIRE(shape);
  CHECK((shape->kernel == Dims{2, 3} && shape->in == 0 && shape->taps() == 6));
  CHECK(shape->output({8, 9}) == Dims{4, 4});
}
