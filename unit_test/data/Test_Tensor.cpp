#include "aidge/data/Tensor.hpp"
#include "catch.hpp"

using namespace Aidge;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("A tensor made from values keeps them, its dims and its type", "[Tensor]") {
  const Tensor tensor = Tensor::fromValues<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  REQUIRE(tensor.dims() == Dims{2, 3});
  REQUIRE(tensor.dataType() == DataType::Float32);
  REQUIRE(tensor.bytes() == 24);
  REQUIRE(tensor.data<float>()[4] == 5.0F);
  REQUIRE_THROWS_WITH(tensor.data<double>(), "[data::Tensor::data] expected float64, got a float32 tensor");
  REQUIRE_THROWS_AS(Tensor::fromValues<float>({2, 2}, {1, 2, 3}), std::invalid_argument);
}

TEST_CASE("A copy of a tensor shares its memory and a clone does not", "[Tensor]") {
  Tensor tensor = Tensor::full({4}, 1.0);
  Tensor shared = tensor;
  Tensor apart = tensor.clone();
  tensor.mutableData<float>()[0] = 7.0F;
  REQUIRE(shared.data<float>()[0] == 7.0F);
  REQUIRE(apart.data<float>()[0] == 1.0F);
}

TEST_CASE("Every write through the interface grows the revision that all sharers see", "[Tensor]") {
  Tensor tensor = Tensor::full({2}, 0.0);
  const Tensor shared = tensor;
  const auto before = shared.revision();
  tensor.copyFrom(Tensor::full({2}, 3.0));
  REQUIRE(shared.revision() > before);
  REQUIRE(shared.data<float>()[1] == 3.0F);
}

TEST_CASE("A tensor without data says so instead of giving a null pointer", "[Tensor]") {
  const Tensor tensor(Dims{2, 2});
  REQUIRE_FALSE(tensor.hasData());
  REQUIRE_THROWS_WITH(tensor.rawData(), ContainsSubstring("without data"));
  REQUIRE(Tensor().isUndefined());
}

TEST_CASE("Read-only foreign memory cannot be written and is not copied", "[Tensor]") {
  const auto owner = std::make_shared<std::vector<float>>(3, 2.0F);
  Tensor tensor = Tensor::fromExternal(owner->data(), {3}, DataType::Float32, owner, false);
  REQUIRE(tensor.rawData() == owner->data());
  REQUIRE(tensor.isExternal());
  REQUIRE_THROWS_AS(tensor.rawMutableData(), std::invalid_argument);
}

TEST_CASE("Dims that overflow or are negative are refused", "[Tensor]") {
  REQUIRE_THROWS_AS(elementCount({1LL << 40, 1LL << 40}), std::invalid_argument);
  REQUIRE_THROWS_AS(elementCount({kDynamicDim, 2}), std::invalid_argument);
  REQUIRE_THROWS_AS(Tensor(Dims{-3}), std::invalid_argument);
  REQUIRE(elementCount({3, 0, 1LL << 50}) == 0);
  REQUIRE(elementCount({}) == 1);
}

TEST_CASE("Casting converts values and keeps dims", "[Tensor]") {
  const Tensor ints = Tensor::fromValues<float>({3}, {1.0F, -2.0F, 3.7F}).cast(DataType::Int64);
  REQUIRE(ints.toInts() == std::vector<std::int64_t>{1, -2, 3});
  REQUIRE(ints.reshaped({3, 1}).dims() == Dims{3, 1});
  REQUIRE_THROWS_AS(ints.reshaped({4}), std::invalid_argument);
}
