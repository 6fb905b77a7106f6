#include "Infer.hpp"

using namespace Aidge;
using namespace test;

namespace {

std::vector<TensorInfo> steps(Dims data, Dims scales, DataType kind, bool quantize) {
  const DataType from = quantize ? DataType::Float32 : kind;
  return {{std::move(data), from, nullptr}, {scales, DataType::Float32, nullptr}, {scales, kind, nullptr}};
}

std::string refused(const std::string& type, const AttributeMap& attributes, const std::vector<TensorInfo>& inputs) {
  try {
    static_cast<void>(Operator(type, attributes).infer(inputs));
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("Quantised tensors have the type of their zero points", "[quantize]") {
  CHECK(Operator("QuantizeLinear").infer(steps({2, 3, 4}, {}, DataType::Int8, true))[0].dtype == DataType::Int8);
  CHECK(Operator("QuantizeLinear").infer(steps({2, 3, 4}, {3}, DataType::UInt16, true))[0].dtype == DataType::UInt16);
  std::vector<TensorInfo> without = steps({2, 3}, {1}, DataType::Int8, true);
  without[2] = {{}, DataType::Float32, nullptr, true};
  CHECK(Operator("QuantizeLinear", {{"to", std::string("int16")}}).infer(without)[0].dtype == DataType::Int16);
  CHECK(Operator("DequantizeLinear").infer(steps({2, 3}, {3}, DataType::Int32, false))[0].dtype == DataType::Float32);
}

TEST_CASE("Scales that do not fit are refused", "[quantize]") {
  CHECK(refused("QuantizeLinear", {}, steps({2, 3}, {2}, DataType::Int8, true)).find("[3]") != std::string::npos);
  CHECK(refused("QuantizeLinear", {{"axis", std::int64_t{2}}}, steps({2, 3}, {3}, DataType::Int8, true)).find("axis") != std::string::npos);
  std::vector<TensorInfo> uneven = steps({2, 3}, {3}, DataType::Int8, false);
  uneven[2].dims = {1};
  CHECK(refused("DequantizeLinear", {}, uneven).find("zero points of the dims of the scales, [3]") != std::string::npos);
  std::vector<TensorInfo> mixed = steps({2, 3}, {}, DataType::Int8, false);
  mixed[2].dtype = DataType::UInt8;
  CHECK(refused("DequantizeLinear", {}, mixed).find("zero points of the type of the data, int8") != std::string::npos);
  CHECK_THROWS_AS(Operator("QuantizeLinear", {{"to", std::string("int64")}}), std::invalid_argument);
}
