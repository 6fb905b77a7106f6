// Softmax and LogSoftmax along any axis; the largest value is subtracted first.
#include <cmath>

#include "AxisLines.hpp"
#include "InFloat.hpp"
#include "VectorLoops.hpp"

namespace Aidge::cpu {

namespace {

void softmaxRow(const float* in, float* out, std::size_t n) {
  const VectorLoops& loops = vectorLoops();
  const double sum = loops.expSum(in, out, n, loops.maximum(in, n));
  const auto factor = static_cast<float>(1.0 / sum);
  loops.vectorScalar[static_cast<std::size_t>(BinaryLoop::Mul)](out, &factor, out, n);
}

/// Writes the exponentials to `out` first, for their sum.
void logSoftmaxRow(const float* in, float* out, std::size_t n) {
  const VectorLoops& loops = vectorLoops();
  const auto subtract = loops.vectorScalar[static_cast<std::size_t>(BinaryLoop::Sub)];
  const float most = loops.maximum(in, n);
  const auto logarithm = static_cast<float>(std::log(loops.expSum(in, out, n, most)));
  subtract(in, &most, out, n);
  subtract(out, &logarithm, out, n);
}

/// All columns of an (n, inner) plane at once. `most`: `inner` floats, `sums`: `inner` doubles.
void softmaxColumns(const float* in, float* out, const AxisLines& shape, std::vector<float>& most, std::vector<double>& sums) {
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

void logSoftmaxLine(const float* in, float* out, std::size_t n, std::size_t step) {
  float most = in[0];
  for (std::size_t i = 1; i < n; ++i) most = std::max(most, in[i * step]);
  double sum = 0.0;
  for (std::size_t i = 0; i < n; ++i) sum += static_cast<double>(std::exp(in[i * step] - most));
  const auto logarithm = static_cast<float>(std::log(sum));
  for (std::size_t i = 0; i < n; ++i) out[i * step] = in[i * step] - most - logarithm;
}

void logSoftmax(const AxisLines& shape, const float* in, float* out) {
  shape.forEach([&](std::size_t at) {
    if (shape.inner == 1) return logSoftmaxRow(in + at, out + at, shape.n);
    logSoftmaxLine(in + at, out + at, shape.n, shape.inner);
  });
}

/// Either function, for double.
void wideSoftmax(const AxisLines& shape, const double* in, double* out, bool logarithm) {
  shape.forEach([&](std::size_t at) {
    double most = in[at];
    for (std::size_t i = 1; i < shape.n; ++i) most = std::max(most, in[at + i * shape.inner]);
    double sum = 0.0;
    for (std::size_t i = 0; i < shape.n; ++i) sum += std::exp(in[at + i * shape.inner] - most);
    for (std::size_t i = 0; i < shape.n; ++i) {
      const double x = in[at + i * shape.inner] - most;
      out[at + i * shape.inner] = logarithm ? x - std::log(sum) : std::exp(x) / sum;
    }
  });
}

void softmax(const AxisLines& shape, const float* in, float* out) {
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

template <typename T> std::unique_ptr<Kernel> createSoftmax(const KernelRequest& request, bool logarithm) {
  const AxisLines shape(request, request.op->attribute<std::int64_t>("axis"));
  return std::make_unique<FunctionKernel>("loop_softmax", [shape, logarithm](auto inputs, auto outputs, std::byte*) {
    const auto* in = static_cast<const T*>(inputs[0]);
    auto* out = static_cast<T*>(outputs[0]);
    if constexpr (std::is_same_v<T, double>) return wideSoftmax(shape, in, out, logarithm);
    if constexpr (std::is_same_v<T, float>) return logarithm ? logSoftmax(shape, in, out) : softmax(shape, in, out);
  });
}

bool addSoftmaxKernels() {
  const auto add = [](std::string_view type, bool logarithm) {
    KernelFactory factory;
    factory.layout = LayoutRule::SameAsInput;
    factory.inPlace = !logarithm;
    factory.create = [logarithm](const KernelRequest& request) {
      return createForReals(request, [logarithm]<typename T>(const KernelRequest& own) { return createSoftmax<T>(own, logarithm); });
    };
    return KernelRegistry::add("cpu", type, std::move(factory));
  };
  return add("Softmax", false) && add("LogSoftmax", true);
}

[[maybe_unused]] const bool kSoftmaxRegistered = addSoftmaxKernels();

}  // namespace

}  // namespace Aidge::cpu
