#include "aidge/nodes/Gather.hpp"

#include "Infer.hpp"

using namespace Aidge;
using namespace test;

TEST_CASE("Gathering gives the dims that ONNX says", "[gather]") {
  const auto dims = [](const NodePtr& node, const Dims& data, const Dims& indices) {
    return node->getOperator()
        ->infer(std::vector<TensorInfo>{{data, DataType::UInt8, nullptr}, {indices, DataType::Int64, nullptr}})[0]
        .dims;
  };
  CHECK(dims(Gather(1), {2, 3, 4}, {5, 6}) == Dims{2, 5, 6, 4});
  CHECK(dims(Gather(-1), {2, 3}, {}) == Dims{2});
  CHECK(dims(GatherElements(0), {4, 3}, {7, 2}) == Dims{7, 2});
  CHECK(dims(GatherND(), {2, 3, 4}, {5, 2}) == Dims{5, 4});
  CHECK(dims(GatherND(1), {2, 3, 4}, {2, 5, 1}) == Dims{2, 5, 4});
  CHECK(refusal([&] { dims(GatherElements(0), {4, 3}, {7, 5}); }).find("no bigger than the data") != std::string::npos);
  CHECK(refusal([&] { dims(GatherND(), {2, 3}, {5, 3}); }).find("tuples of 1 to 2 indices") != std::string::npos);
  CHECK(refusal("Gather", {}, {{2}, {3}}) == "[operator::Gather] expected indices of type int32 or int64, got float32");
  CHECK(refusal("ScatterND", {{"reduction", std::string("mean")}}).find("\"none\", \"add\"") != std::string::npos);
}

TEST_CASE("ReverseSequence checks what it is given", "[gather]") {
  CHECK(refusal("ReverseSequence", {{"batch_axis", std::int64_t{0}}}, {{5, 3}, {5}}).find("to differ") != std::string::npos);
  CHECK(refusal("ReverseSequence", {}, {{5, 3}, {3}}).find("lengths of type int64") != std::string::npos);
}
