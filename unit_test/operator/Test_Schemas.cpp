#include <algorithm>

#include "Infer.hpp"
#include "aidge/graph/MakeNode.hpp"

using namespace Aidge;
using namespace test;

TEST_CASE("Every operator type of the contract is registered, with a brief", "[schema]") {
  std::vector<std::string> expected{
      "Producer", "FC",      "Gemm",    "MatMul",      "ReLU",    "Sigmoid",   "Tanh", "HardSwish", "Identity",   "LeakyReLU",
      "PReLU",    "GeLU",    "Clip",    "HardSigmoid", "Softmax", "Add",       "Sub",  "Mul",       "Div",        "GlobalAveragePooling",
      "Concat",   "Flatten", "Reshape", "Transpose",   "Squeeze", "Unsqueeze", "Pad",  "Dropout",   "ReduceMean", "LRN"};
  for (const std::string family : {"Conv", "ConvTranspose", "BatchNorm", "MaxPooling", "AvgPooling"}) {
    for (const std::string spatial : {"1D", "2D", "3D"}) expected.push_back(family + spatial);
  }
  for (const std::string& type : expected) {
    CAPTURE(type);
    const OperatorSchema* schema = OperatorRegistry::find(type);
    REQUIRE(schema != nullptr);
    CHECK(schema->type == type);
    CHECK_FALSE(schema->brief.empty());
    CHECK(static_cast<bool>(schema->infer));
  }
}

TEST_CASE("A type is registered once only", "[schema]") {
  OperatorSchema schema;
  schema.type = "ReLU";
  CHECK_THROWS_AS(OperatorRegistry::add(schema), std::logic_error);
}

TEST_CASE("Every operator refuses unknown and negative dims", "[schema]") {
  for (const std::string& type : OperatorRegistry::types()) {
    const OperatorSchema& schema = *OperatorRegistry::find(type);
    if (schema.inputs.empty()) continue;
    AttributeMap attributes;
    const auto strides = schema.attributes.find("stride_dims");
    if (strides != schema.attributes.end()) attributes["kernel_dims"] = strides->second;
    const Operator op(type, attributes);
    CAPTURE(type);
    for (const DimSize_t bad : {kDynamicDim, std::numeric_limits<DimSize_t>::min()}) {
      CHECK_THROWS_AS(op.infer(infos(std::vector<Dims>(op.nbInputs(), Dims{2, bad, 3, 3}))), std::invalid_argument);
    }
    CHECK_THROWS_AS(op.infer(infos(std::vector<Dims>(op.nbInputs(), Dims(4, std::numeric_limits<DimSize_t>::max())))),
                    std::invalid_argument);
  }
}

TEST_CASE("A producer has the dims, the type and the value that it holds", "[schema]") {
  const NodePtr node = Producer(Tensor::fromValues<float>({2}, {1.0F, 2.0F}), "p");
  const auto outputs = node->getOperator()->infer({});
  REQUIRE(outputs.size() == 1);
  CHECK(outputs[0].dims == Dims{2});
  REQUIRE(outputs[0].value != nullptr);
  CHECK(outputs[0].value->toDoubles() == std::vector<double>{1.0, 2.0});
}
