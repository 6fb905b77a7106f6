#include "aidge/nodes/Fill.hpp"

#include "Infer.hpp"
#include "aidge/core/Errors.hpp"

using namespace Aidge;
using namespace test;

namespace {

TensorInfo scalar(double value, DataType type = DataType::Int64) {
  return {{}, type, std::make_shared<const Tensor>(Tensor::full({}, value, type))};
}

Dims range(double start, double limit, double delta, DataType type = DataType::Int64) {
  return Range()->getOperator()->infer(std::vector<TensorInfo>{scalar(start, type), scalar(limit, type), scalar(delta, type)})[0].dims;
}

}  // namespace

TEST_CASE("A tensor of a shape takes the type of its value", "[fill]") {
  const auto made = ConstantOfShape({2, 3}, Tensor::full({1}, 7, DataType::Int8))->getOperator()->infer({});
  CHECK(made[0].dims == Dims{2, 3});
  CHECK(made[0].dtype == DataType::Int8);
  CHECK(refusal("ConstantOfShape", {{"value", Tensor::full({2}, 1.0)}}).find("a value of one element") != std::string::npos);
}

TEST_CASE("Range counts the steps below the limit", "[fill]") {
  CHECK(range(0, 10, 3) == Dims{4});
  CHECK(range(10, 0, -5) == Dims{2});
  CHECK(range(3, 3, 1) == Dims{0});
  CHECK(range(0, 1, 0.25, DataType::Float64) == Dims{4});
  CHECK(refusal([] { range(0, 1, 0); }).find("a finite range") != std::string::npos);
  CHECK_THROWS_AS(Range()->getOperator()->infer(std::vector<TensorInfo>(3, TensorInfo{{}, DataType::Int64, nullptr})), UnsupportedError);
}

TEST_CASE("EyeLike, Trilu and OneHot check what they are given", "[fill]") {
  CHECK(EyeLike(0, "int8")->getOperator()->infer(infos({{2, 3}}))[0].dtype == DataType::Int8);
  CHECK(refusal("EyeLike", {{"dtype", std::string("int3")}}).find("a type's name") != std::string::npos);
  CHECK(refusal("EyeLike", {}, {{2, 3, 4}}).find("rank 2") != std::string::npos);
  CHECK(refusal("Trilu", {}, {{2}}).find("rank 2 or more") != std::string::npos);
  const std::vector<TensorInfo> hot{{{4}, DataType::Int64, nullptr}, scalar(3), {{2}, DataType::UInt8, nullptr}};
  CHECK(OneHot(0)->getOperator()->infer(hot)[0].dims == Dims{3, 4});
  CHECK(OneHot()->getOperator()->infer(hot)[0].dtype == DataType::UInt8);
}
