#include "Infer.hpp"

using namespace Aidge;
using namespace test;
using Catch::Matchers::ContainsSubstring;

namespace {

const TensorInfo kMissing{.dims = {}, .missing = true};

TensorInfo scalar(DataType dtype) { return {{}, dtype, nullptr}; }

std::vector<TensorInfo> with(std::vector<TensorInfo> inputs, TensorInfo last) {
  inputs.push_back(std::move(last));
  return inputs;
}

}  // namespace

TEST_CASE("A scalar that is connected to an optional input is checked like any other tensor", "[schema]") {
  const Operator gemm("Gemm");
  const auto matrices = infos({{2, 3}, {3, 4}});
  CHECK(gemm.infer(with(matrices, kMissing))[0].dims == Dims{2, 4});
  CHECK(gemm.infer(with(matrices, scalar(DataType::Float32)))[0].dims == Dims{2, 4});
  CHECK(refusal([&] { static_cast<void>(gemm.infer(with(matrices, scalar(DataType::Int64)))); }) != "");

  const Operator conv("Conv2D");
  const auto images = infos({{1, 3, 5, 5}, {4, 3, 3, 3}});
  CHECK(conv.infer(with(images, kMissing))[0].dims == Dims{1, 4, 3, 3});
  CHECK_THAT(refusal([&] { static_cast<void>(conv.infer(with(images, scalar(DataType::Float32)))); }),
             ContainsSubstring("bias [4], got []"));
}
