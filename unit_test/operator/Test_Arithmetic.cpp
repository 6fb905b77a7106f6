#include "Infer.hpp"
#include "aidge/nodes/BatchNorm.hpp"
#include "aidge/nodes/Elementwise.hpp"
#include "aidge/nodes/FullyConnected.hpp"
#include "aidge/nodes/MatMul.hpp"
#include "aidge/nodes/Reduce.hpp"

using namespace Aidge;
using namespace test;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("Arithmetic broadcasts its operands", "[elementwise]") {
  for (const NodePtr& node : {Add(), Sub(), Mul(), Div()}) {
    CHECK(inferred(*node->getOperator(), {{2, 3, 4}, {3, 1}}) == Dims{2, 3, 4});
    CHECK(inferred(*node->getOperator(), {{}, {5}}) == Dims{5});
  }
  CHECK(refusal("Mul", {}, {{2, 3}, {4}}) == "[operator::Mul] expected dims that can be broadcast to each other, got [2, 3] and [4]");
}

TEST_CASE("Arithmetic takes any numeric type, but one only", "[elementwise]") {
  CHECK(Operator("Add").infer(infos({{2}, {2}}, DataType::Int64))[0].dtype == DataType::Int64);
  CHECK_THROWS_AS(Operator("Add").infer(infos({{2}, {2}}, DataType::Bool)), std::invalid_argument);
  auto mixed = infos({{2}, {2}});
  mixed[1].dtype = DataType::Int32;
  CHECK(refusal([&] { static_cast<void>(Operator("Add").infer(mixed)); }) ==
        "[operator::Add] expected B of the same type as A (float32), got int32");
}

TEST_CASE("A broadcast whose product overflows memory is refused", "[elementwise]") {
  const DimSize_t big = DimSize_t{1} << 40;
  CHECK_THAT(refusal("Add", {}, {{big, 1}, {1, big}}), ContainsSubstring("a product of dims that fits memory"));
}

TEST_CASE("A fully connected layer flattens all but the batch", "[fc]") {
  CHECK(inferred("FC", {}, {{2, 3, 4}, {5, 12}, {5}}) == Dims{2, 5});
  CHECK(inferred("FC", {}, {{0, 12}, {5, 12}, {}}) == Dims{0, 5});
  CHECK(macsOf(Operator("FC"), {{2, 3, 4}, {5, 12}, {}}) == 2.0 * 5 * 12);
}

TEST_CASE("Inputs that do not fit a fully connected layer are refused", "[fc]") {
  CHECK(refusal("FC", {}, {{2, 13}, {5, 12}, {}}) ==
        "[operator::FC] expected data with 12 values a sample, as the weight [5, 12] has, got [2, 13]");
  CHECK(refusal("FC", {}, {{12}, {5, 12}, {}}) == "[operator::FC] expected data of rank 2 or more, got [12]");
  CHECK(refusal("FC", {}, {{2, 12}, {5, 12, 1}, {}}) == "[operator::FC] expected weight of rank 2, got [5, 12, 1]");
  CHECK(refusal("FC", {}, {{2, 12}, {5, 12}, {5, 1}}) == "[operator::FC] expected bias [5], got [5, 1]");
}

TEST_CASE("FC makes zero-filled parameters named after it", "[fc]") {
  const NodePtr node = FC(12, 5, false, "fc");
  CHECK(node->getParent(1)->name() == "fc_w");
  CHECK(node->getParent(1)->getOperator()->getOutput(0)->dims() == Dims{5, 12});
  CHECK(node->getParent(2)->name() == "fc_b");
  CHECK(FC(12, 5, true)->getParent(2) == nullptr);
  CHECK(refusal([] { static_cast<void>(FC(0, 5)); }) == "[operator::FC] expected in_channels of at least 1, got 0");
}

TEST_CASE("Gemm transposes as told and broadcasts C", "[fc]") {
  CHECK(inferred("Gemm", {}, {{2, 3}, {3, 4}, {}}) == Dims{2, 4});
  CHECK(inferred(*Gemm(1.0, 1.0, true, true)->getOperator(), {{3, 2}, {4, 3}, {4}}) == Dims{2, 4});
  CHECK(inferred("Gemm", {{"trans_b", true}}, {{2, 3}, {4, 3}, {2, 1}}) == Dims{2, 4});
  CHECK(macsOf(Operator("Gemm", {{"trans_a", true}}), {{3, 2}, {3, 4}, {}}) == 2.0 * 3 * 4);
  CHECK(refusal("Gemm", {{"trans_a", true}}, {{2, 3}, {3, 4}, {}}) ==
        "[operator::Gemm] expected matrices whose inner dims agree, got [2, 3] transposed and [3, 4]");
  CHECK(refusal("Gemm", {}, {{2, 3}, {3, 4}, {3}}) == "[operator::Gemm] expected C that can be broadcast to [2, 4], got [3]");
  CHECK(refusal("Gemm", {}, {{2, 3, 1}, {3, 4}, {}}) == "[operator::Gemm] expected A of rank 2, got [2, 3, 1]");
  CHECK_THAT(refusal("Gemm", {{"alpha", std::numeric_limits<double>::infinity()}}), ContainsSubstring("a finite alpha"));
}

TEST_CASE("MatMul follows NumPy's rules for vectors and leading axes", "[matmul]") {
  CHECK(inferred(*MatMul()->getOperator(), {{2, 3}, {3, 4}}) == Dims{2, 4});
  CHECK(inferred("MatMul", {}, {{3}, {3}}) == Dims{});
  CHECK(inferred("MatMul", {}, {{3}, {5, 3, 4}}) == Dims{5, 4});
  CHECK(inferred("MatMul", {}, {{5, 2, 3}, {3}}) == Dims{5, 2});
  CHECK(inferred("MatMul", {}, {{7, 1, 2, 3}, {5, 3, 4}}) == Dims{7, 5, 2, 4});
  CHECK(macsOf(Operator("MatMul"), {{5, 2, 3}, {3, 4}}) == 5.0 * 2 * 3 * 4);
}

TEST_CASE("Matrices that do not fit are refused", "[matmul]") {
  CHECK(refusal("MatMul", {}, {{2, 3}, {4, 5}}) == "[operator::MatMul] expected matrices whose inner dims agree, got [2, 3] and [4, 5]");
  CHECK_THROWS_AS(inferred("MatMul", {}, {{}, {3}}), std::invalid_argument);
  CHECK_THROWS_AS(inferred("MatMul", {}, {{2, 2, 3}, {3, 3, 4}}), std::invalid_argument);
}

TEST_CASE("Batch normalisation keeps dims and wants one parameter a channel", "[batchnorm]") {
  CHECK(inferred("BatchNorm2D", {}, {{2, 3, 4, 4}, {3}, {3}, {3}, {3}}) == Dims{2, 3, 4, 4});
  CHECK(inferred("BatchNorm1D", {}, {{2, 3}, {3}, {3}, {3}, {3}}) == Dims{2, 3});
  CHECK(refusal("BatchNorm2D", {}, {{2, 3, 4, 4}, {3}, {3}, {4}, {3}}) == "[operator::BatchNorm2D] expected mean [3], got [4]");
  CHECK(refusal("BatchNorm2D", {}, {{3}, {3}, {3}, {3}, {3}}) == "[operator::BatchNorm2D] expected data of rank 2 or more, got [3]");
}

TEST_CASE("Batch normalisation has no training mode and no negative epsilon", "[batchnorm]") {
  CHECK(refusal("BatchNorm2D", {{"training_mode", true}}) ==
        "[operator::BatchNorm2D] expected training_mode false (statistics are fixed), got true");
  CHECK_THAT(refusal("BatchNorm2D", {{"epsilon", -1e-3}}), ContainsSubstring("expected a finite epsilon of at least 0"));
}

TEST_CASE("The BatchNorm factory starts as the identity", "[batchnorm]") {
  const NodePtr node = BatchNorm<2>(3, 1e-3, 0.2, false, "bn");
  const std::vector<std::pair<std::string, double>> expected{{"bn_scale", 1.0}, {"bn_shift", 0.0}, {"bn_mean", 0.0}, {"bn_var", 1.0}};
  for (IOIndex_t i = 1; i < 5; ++i) {
    CHECK(node->getParent(i)->name() == expected[i - 1].first);
    CHECK(node->getParent(i)->getOperator()->getOutput(0)->toDoubles() == std::vector<double>(3, expected[i - 1].second));
  }
  CHECK(node->getOperator()->attribute<double>("epsilon") == 1e-3);
  CHECK(refusal([] { static_cast<void>(BatchNorm<2>(0)); }) == "[operator::BatchNorm2D] expected nb_features of at least 1, got 0");
}

TEST_CASE("ReduceMean removes or keeps the reduced axes", "[reduce]") {
  CHECK(inferred(*ReduceMean({-1, 0})->getOperator(), {{2, 3, 4}}) == Dims{1, 3, 1});
  CHECK(inferred(*ReduceMean({-1, 0}, false)->getOperator(), {{2, 3, 4}}) == Dims{3});
  CHECK(inferred("ReduceMean", {{"keep_dims", false}}, {{2, 3, 4}}) == Dims{});
  CHECK(inferred("ReduceMean", {{"noop_with_empty_axes", true}}, {{2, 3, 4}}) == Dims{2, 3, 4});
  CHECK(refusal("ReduceMean", {{"axes", Ints{3}}}, {{2, 3, 4}}) == "[operator::ReduceMean] expected an axis in [-3, 3), got 3");
  CHECK_THROWS_AS(inferred("ReduceMean", {{"axes", Ints{1, -2}}}, {{2, 3, 4}}), std::invalid_argument);
}
