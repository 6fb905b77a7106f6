#include <string>
#include <vector>

#include "EngineHelpers.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::test;

namespace {

/// NumPy's matmul by its definition, in double.
Tensor bruteForce(const Tensor& a, const Tensor& b) {
  Dims da = a.dims();
  Dims db = b.dims();
  if (da.size() == 1) da.insert(da.begin(), 1);
  if (db.size() == 1) db.push_back(1);
  const std::size_t rank = std::max(da.size(), db.size());
  da.insert(da.begin(), rank - da.size(), 1);
  db.insert(db.begin(), rank - db.size(), 1);
  Dims dims;
  for (std::size_t i = 0; i + 2 < rank; ++i) dims.push_back(std::max(da[i], db[i]));
  const DimSize_t rows = da[rank - 2];
  const DimSize_t inner = da[rank - 1];
  const DimSize_t columns = db[rank - 1];
  const std::vector<double> x = a.toDoubles();
  const std::vector<double> y = b.toDoubles();
  std::vector<float> values;
  const auto batches = static_cast<DimSize_t>(elementCount(dims));
  for (DimSize_t batch = 0; batch < batches; ++batch) {
    DimSize_t rest = batch;
    DimSize_t offsetA = 0;
    DimSize_t offsetB = 0;
    DimSize_t strideA = rows * inner;
    DimSize_t strideB = inner * columns;
    for (std::size_t i = dims.size(); i-- > 0;) {
      const DimSize_t at = rest % dims[i];
      rest /= dims[i];
      if (da[i] > 1) offsetA += at * strideA;
      if (db[i] > 1) offsetB += at * strideB;
      strideA *= da[i];
      strideB *= db[i];
    }
    for (DimSize_t r = 0; r < rows; ++r) {
      for (DimSize_t c = 0; c < columns; ++c) {
        double sum = 0.0;
        for (DimSize_t k = 0; k < inner; ++k) {
          sum += x[static_cast<std::size_t>(offsetA + r * inner + k)] * y[static_cast<std::size_t>(offsetB + k * columns + c)];
        }
        values.push_back(static_cast<float>(sum));
      }
    }
  }
  if (a.dims().size() > 1) dims.push_back(rows);
  if (b.dims().size() > 1) dims.push_back(columns);
  return Tensor::fromValues<float>(dims, std::span<const float>(values));
}

Tensor transposed(const Tensor& m) {
  const std::vector<double> x = m.toDoubles();
  const DimSize_t rows = m.dims()[0];
  const DimSize_t columns = m.dims()[1];
  std::vector<float> values;
  for (DimSize_t c = 0; c < columns; ++c) {
    for (DimSize_t r = 0; r < rows; ++r) values.push_back(static_cast<float>(x[static_cast<std::size_t>(r * columns + c)]));
  }
  return Tensor::fromValues<float>({columns, rows}, std::span<const float>(values));
}

/// alpha * product + beta * c, c repeated over rows and columns as its dims say.
Tensor addScaled(const Tensor& product, double alpha, const Tensor& c, double beta) {
  const std::vector<double> p = product.toDoubles();
  const std::vector<double> add = c.toDoubles();
  const DimSize_t columns = product.dims()[1];
  Dims dims = c.dims();
  dims.insert(dims.begin(), 2 - dims.size(), 1);
  std::vector<float> values;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const DimSize_t row = dims[0] == 1 ? 0 : static_cast<DimSize_t>(i) / columns;
    const DimSize_t column = dims[1] == 1 ? 0 : static_cast<DimSize_t>(i) % columns;
    values.push_back(static_cast<float>(alpha * p[i] + beta * add[static_cast<std::size_t>(row * dims[1] + column)]));
  }
  return Tensor::fromValues<float>(product.dims(), std::span<const float>(values));
}

}  // namespace

TEST_CASE("A fully connected layer flattens its data from axis 1 and equals its definition") {
  for (const Dims& dims : {Dims{3, 20}, Dims{1, 7}, Dims{64, 512}, Dims{2, 4, 3, 5}, Dims{5, 8, 1, 1}}) {
    const auto features = static_cast<DimSize_t>(elementCount(Dims(dims.begin() + 1, dims.end())));
    const Tensor data = randomTensor(dims, 1);
    const Tensor weight = randomTensor({11, features}, 2);
    const Tensor bias = randomTensor({11}, 3);
    const Tensor product = bruteForce(data.reshaped({dims[0], features}), transposed(weight));
    CHECK(difference(runNode(withParameters(makeNode("FC", {}, "fc"), {weight, bias}), {data}), addScaled(product, 1.0, bias, 1.0)) <
          kFloatTolerance);
    CHECK(difference(runNode(withParameters(makeNode("FC", {}, "fc"), {weight, Tensor()}), {data}), product) < kFloatTolerance);
  }
}

TEST_CASE("Gemm scales, transposes and adds C in every shape that can be repeated") {
  for (const bool transA : {false, true}) {
    for (const bool transB : {false, true}) {
      for (const Dims& c : {Dims{6}, Dims{1}, Dims{4, 6}, Dims{1, 6}, Dims{4, 1}, Dims{}}) {
        for (const double alpha : {1.0, 0.5}) {
          INFO("trans " << transA << transB << " C " << toString(c) << " alpha " << alpha);
          const Tensor a = randomTensor({4, 9}, 1);
          const Tensor b = randomTensor({9, 6}, 2);
          const Tensor add = randomTensor(c, 3);
          const AttributeMap attributes{{"alpha", alpha}, {"beta", alpha == 1.0 ? 1.0 : -2.0}, {"trans_a", transA}, {"trans_b", transB}};
          const NodePtr node = withParameters(makeNode("Gemm", attributes, "gemm"), {transB ? transposed(b) : b, add});
          const Tensor expected = addScaled(bruteForce(a, b), alpha, add, alpha == 1.0 ? 1.0 : -2.0);
          CHECK(difference(runNode(node, {transA ? transposed(a) : a}), expected) < kFloatTolerance);
        }
      }
    }
  }
}

TEST_CASE("A matrix product follows NumPy's rules for vectors and stacks of matrices") {
  const std::vector<std::pair<Dims, Dims>> cases{{{4, 5}, {5, 3}},
                                                 {{5}, {5}},
                                                 {{5}, {5, 3}},
                                                 {{4, 5}, {5}},
                                                 {{2, 4, 5}, {5, 3}},
                                                 {{2, 4, 5}, {2, 5, 3}},
                                                 {{2, 1, 4, 5}, {3, 5, 6}},
                                                 {{4, 5}, {2, 5, 3}},
                                                 {{3, 2, 4, 5}, {1, 2, 5, 1}},
                                                 {{2, 3, 4, 5}, {5}},
                                                 {{5}, {2, 5, 3}}};
  for (const auto& [a, b] : cases) {
    INFO(toString(a) << " x " << toString(b));
    const Tensor x = randomTensor(a, 1);
    const Tensor y = randomTensor(b, 2);
    const Tensor expected = bruteForce(x, y);
    CHECK(difference(runNode(makeNode("MatMul", {}, "matmul"), {x, y}), expected) < kFloatTolerance);
    CHECK(difference(runNode(withParameters(makeNode("MatMul", {}, "matmul"), {y}), {x}), expected) < kFloatTolerance);
  }
}
