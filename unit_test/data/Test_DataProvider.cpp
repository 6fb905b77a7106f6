#include "aidge/data/DataProvider.hpp"

#include <numeric>

#include "catch.hpp"

using namespace Aidge;
using Catch::Matchers::ContainsSubstring;

namespace {

/// 0, 1, 2 … in `dims`.
Tensor counted(const Dims& dims) {
  std::vector<float> values(elementCount(dims));
  std::iota(values.begin(), values.end(), 0.0F);
  return Tensor::fromValues<float>(dims, std::span<const float>(values));
}

/// The first dimension of each batch of one pass.
std::vector<DimSize_t> sizesOf(TensorDataProvider& provider) {
  std::vector<DimSize_t> sizes;
  while (const auto batch = provider.next()) sizes.push_back(batch->at(0).dims()[0]);
  return sizes;
}

}  // namespace

TEST_CASE("Batches are cut in order and the last one is smaller", "[DataProvider]") {
  TensorDataProvider provider({counted({5, 2})}, 2);
  CHECK(provider.batchCount() == 3);
  const std::vector<std::vector<double>> expected{{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9}};
  for (const std::vector<double>& values : expected) {
    const auto batch = provider.next();
    REQUIRE(batch.has_value());
    CHECK(batch->at(0).dims() == Dims{static_cast<DimSize_t>(values.size() / 2), 2});
    CHECK(batch->at(0).toDoubles() == values);
  }
  CHECK_FALSE(provider.next());
}

TEST_CASE("The last batch is left out if it is smaller and the caller asks for that", "[DataProvider]") {
  TensorDataProvider dropping({counted({5, 2})}, 2, true);
  CHECK(dropping.batchCount() == 2);
  CHECK(sizesOf(dropping) == std::vector<DimSize_t>{2, 2});
  TensorDataProvider even({counted({4, 2})}, 2, true);
  CHECK(even.batchCount() == 2);
  CHECK(sizesOf(even) == std::vector<DimSize_t>{2, 2});
}

TEST_CASE("A pass that is at its end stays there until reset, which begins the same pass again", "[DataProvider]") {
  TensorDataProvider provider({counted({3, 1})}, 2);
  CHECK(sizesOf(provider) == std::vector<DimSize_t>{2, 1});
  CHECK_FALSE(provider.next());
  provider.reset();
  CHECK(provider.next()->at(0).toDoubles() == std::vector<double>{0, 1});
  provider.reset();  // in the middle of a pass
  CHECK(sizesOf(provider) == std::vector<DimSize_t>{2, 1});
}

TEST_CASE("A batch size above the number of samples gives one batch, or none if it may not be smaller", "[DataProvider]") {
  TensorDataProvider whole({counted({3, 1})}, 10);
  CHECK(whole.batchCount() == 1);
  CHECK(sizesOf(whole) == std::vector<DimSize_t>{3});
  TensorDataProvider none({counted({3, 1})}, 10, true);
  CHECK(none.batchCount() == 0);
  CHECK(sizesOf(none).empty());
}

TEST_CASE("Arrays without samples give no batch, samples without elements do", "[DataProvider]") {
  TensorDataProvider empty({counted({0, 4})}, 2);
  CHECK(empty.batchCount() == 0);
  CHECK_FALSE(empty.next());
  TensorDataProvider hollow({counted({3, 0})}, 2);
  CHECK(hollow.batchCount() == 2);
  CHECK(sizesOf(hollow) == std::vector<DimSize_t>{2, 1});
}

TEST_CASE("Every modality is cut at the same samples and keeps its type and format", "[DataProvider]") {
  Tensor images = counted({3, 1, 2, 2});
  images.setDataFormat(DataFormat::NCHW);
  TensorDataProvider provider({images, Tensor::fromValues<std::int64_t>({3}, {7, 8, 9})}, 2);
  REQUIRE(provider.next());
  const auto last = provider.next();
  REQUIRE(last->size() == 2);
  CHECK(last->at(0).toDoubles() == std::vector<double>{8, 9, 10, 11});
  CHECK(last->at(0).dataFormat() == DataFormat::NCHW);
  CHECK(last->at(1).dataType() == DataType::Int64);
  CHECK(last->at(1).toInts() == std::vector<std::int64_t>{9});
}

TEST_CASE("A batch is a copy: writing to it changes neither the array nor the next pass", "[DataProvider]") {
  const auto owner = std::make_shared<std::vector<float>>(4, 1.0F);
  TensorDataProvider provider({Tensor::fromExternal(owner->data(), {4}, DataType::Float32, owner, false)}, 4);
  auto batch = provider.next();
  batch->at(0).mutableData<float>()[2] = 5.0F;
  CHECK(owner->at(2) == 1.0F);
  provider.reset();
  CHECK(provider.next()->at(0).toDoubles() == std::vector<double>(4, 1.0));
}

TEST_CASE("What cannot be cut into batches is refused with what was expected", "[DataProvider]") {
  const Tensor array = counted({5, 2});
  CHECK_THROWS_WITH(TensorDataProvider({array}, 0), "[data::TensorDataProvider] expected a batch size of at least 1, got 0");
  CHECK_THROWS_WITH(TensorDataProvider({}, 2), "[data::TensorDataProvider] expected at least one array, got none");
  CHECK_THROWS_WITH(TensorDataProvider({array, Tensor::full({}, 1.0)}, 2),
                    "[data::TensorDataProvider] expected arrays with samples on axis 0, got a scalar");
  CHECK_THROWS_WITH(TensorDataProvider({array, counted({4, 1})}, 2), "[data::TensorDataProvider] expected 5 samples in every array, got 4");
  CHECK_THROWS_AS(TensorDataProvider({array}, 0), std::invalid_argument);
  TensorDataProvider valueless({Tensor(Dims{2, 2})}, 1);
  CHECK_THROWS_WITH(valueless.next(), ContainsSubstring("without data"));
}
