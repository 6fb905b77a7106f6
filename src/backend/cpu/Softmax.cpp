// Softmax along any axis; the largest value is subtracted first.
#include "KernelSupport.hpp"
#include "aidge/backend/cpu/VectorLoops.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::cpu {

namespace {

/// A tensor in memory as (outer, n, inner), with the softmax along n.
struct SoftmaxShape {
  std::size_t outer = 1;
  std::size_t n = 1;
  std::size_t inner = 1;

  explicit SoftmaxShape(const KernelRequest& request) {
    const TensorDesc& input = request.inputs[0];
    const std::size_t rank = input.dims.size();
    const DimIdx_t logical = normaliseAxis(errorSite(*request.op), request.op->attribute<std::int64_t>("axis"), rank);
    const std::size_t axis = storedAxis(logical, rank, input.layout);
    const Dims dims = storedDims(input);
    for (std::size_t i = 0; i < rank; ++i) (i < axis ? outer : i == axis ? n : inner) *= static_cast<std::size_t>(dims[i]);
  }
};

void softmaxRow(const float* in, float* out, std::size_t n) {
  const VectorLoops& loops = vectorLoops();
  const double sum = loops.expSum(in, out, n, loops.maximum(in, n));
  const auto factor = static_cast<float>(1.0 / sum);
  loops.vectorScalar[static_cast<std::size_t>(BinaryLoop::Mul)](out, &factor, out, n);
}

/// All columns of an (n, inner) plane at once. `most`: `inner` floats, `sums`: `inner` doubles.
void softmaxColumns(const float* in, float* out, const SoftmaxShape& shape, std::vector<float>& most, std::vector<double>& sums) {
  const VectorLoops& loops = vectorLoops();
  most.assign(in, in + shape.inner);
  loops.maximumColumns(in, shape.n, shape.inner, shape.inner, most.data());
  sums.assign(shape.inner, 0.0);
  for (std::size_t row = 0; row < shape.n; ++row) {
    float* target = out + row * shape.inner;
    loops.vectorVector[static_cast<std::size_t>(BinaryLoop::Sub)](in + row * shape.inner, most.data(), target, shape.inner);
    loops.expSum(target, target, shape.inner, 0.0F);
    loops.accumulate(target, sums.data(), shape.inner);
  }
  for (std::size_t i = 0; i < shape.inner; ++i) most[i] = static_cast<float>(1.0 / sums[i]);
  for (std::size_t row = 0; row < shape.n; ++row) {
    float* target = out + row * shape.inner;
    loops.vectorVector[static_cast<std::size_t>(BinaryLoop::Mul)](target, most.data(), target, shape.inner);
  }
}

void softmax(const SoftmaxShape& shape, const float* in, float* out) {
  const std::size_t plane = shape.n * shape.inner;
  if (plane == 0) return;
  forBlocks(
      shape.outer, std::max<std::size_t>(1, kBlock / plane),
      [&](std::size_t begin, std::size_t end) {
        std::vector<float> most;
        std::vector<double> sums;
        for (std::size_t i = begin; i < end; ++i) {
          if (shape.inner == 1) {
            softmaxRow(in + i * plane, out + i * plane, plane);
          } else {
            softmaxColumns(in + i * plane, out + i * plane, shape, most, sums);
          }
        }
      },
      kParallelFrom / plane);
}

bool addSoftmax() {
  KernelFactory factory;
  factory.layout = LayoutRule::SameAsInput;
  factory.inPlace = true;
  factory.unsupported = [](const Operator&, std::span<const TensorInfo> inputs) { return refuseOtherTypes(inputs, {DataType::Float32}); };
  factory.create = [](const KernelRequest& request) {
    return std::make_unique<FunctionKernel>("loop_softmax", [shape = SoftmaxShape(request)](auto inputs, auto outputs, std::byte*) {
      softmax(shape, static_cast<const float*>(inputs[0]), static_cast<float*>(outputs[0]));
    });
  };
  return KernelRegistry::add("cpu", "Softmax", std::move(factory));
}

[[maybe_unused]] const bool kRegistered = addSoftmax();

}  // namespace

}  // namespace Aidge::cpu
