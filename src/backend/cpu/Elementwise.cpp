// Add, Sub, Mul, Div with NumPy's broadcasting, and PReLU, whose slope is broadcast in the same way.
#include <limits>
#include <type_traits>

#include "Broadcast.hpp"
#include "KernelSupport.hpp"
#include "PostOps.hpp"
#include "aidge/backend/cpu/VectorLoops.hpp"
#include "aidge/core/Errors.hpp"

namespace Aidge::cpu {

namespace {

// ---- float32: the vector loops on runs ---------------------------------------------------------------------------------

/// A run of floats where an operand neither stands still nor lies consecutively.
void stridedRun(BinaryLoop which, const float* a, std::size_t stepA, const float* b, std::size_t stepB, float* out, std::size_t n) {
  const auto loop = vectorLoops().vectorVector[static_cast<std::size_t>(which)];
  constexpr std::size_t kPiece = 256;
  float left[kPiece];
  float right[kPiece];
  for (std::size_t begin = 0; begin < n; begin += kPiece) {
    const std::size_t count = std::min(kPiece, n - begin);
    for (std::size_t i = 0; i < count; ++i) {
      left[i] = a[(begin + i) * stepA];
      right[i] = b[(begin + i) * stepB];
    }
    loop(left, right, out + begin, count);
  }
}

FunctionKernel::Function floatFunction(BinaryLoop which, const KernelRequest& request) {
  const Broadcast broadcast(request.inputs[0], request.inputs[1], request.outputs[0]);
  const VectorLoops& loops = vectorLoops();
  const auto index = static_cast<std::size_t>(which);
  VectorLoops::Binary loop = nullptr;
  if (broadcast.step(0) == 1 && broadcast.step(1) == 1) loop = loops.vectorVector[index];
  if (broadcast.step(0) == 1 && broadcast.step(1) == 0) loop = loops.vectorScalar[index];
  if (broadcast.step(0) == 0 && broadcast.step(1) == 1) loop = loops.scalarVector[index];
  return [broadcast, loop, which, postOps = PostOpChain(request)](auto inputs, auto outputs, std::byte*) {
    const auto* a = static_cast<const float*>(inputs[0]);
    const auto* b = static_cast<const float*>(inputs[1]);
    auto* out = static_cast<float*>(outputs[0]);
    forBlocks(broadcast.total(), kBlock, [&](std::size_t begin, std::size_t end) {
      broadcast.forRuns(begin, end, [&](std::size_t o, std::size_t i, std::size_t j, std::size_t n) {
        if (loop != nullptr) return loop(a + i, b + j, out + o, n);
        stridedRun(which, a + i, broadcast.step(0), b + j, broadcast.step(1), out + o, n);
      });
      postOps.apply(out + begin, end - begin);
    });
  };
}

// ---- other types: element by element -----------------------------------------------------------------------------------

/// Integers wrap round, as NumPy's do; their quotients are truncated towards zero.
template <typename T> T compute(BinaryLoop which, T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (which == BinaryLoop::Add) return a + b;
    if (which == BinaryLoop::Sub) return a - b;
    if (which == BinaryLoop::Mul) return a * b;
    if (which == BinaryLoop::Div) return a / b;
    return a < T{0} ? a * b : a;
  } else {
    using U = std::make_unsigned_t<T>;
    const auto left = static_cast<U>(a);
    const auto right = static_cast<U>(b);
    if (which == BinaryLoop::Add) return static_cast<T>(left + right);
    if (which == BinaryLoop::Sub) return static_cast<T>(left - right);
    if (which == BinaryLoop::Mul) return static_cast<T>(left * right);
    if (which == BinaryLoop::Div) return b == T{-1} ? static_cast<T>(U{0} - left) : static_cast<T>(a / b);
    return a < T{0} ? static_cast<T>(left * right) : a;
  }
}

template <typename T> FunctionKernel::Function plainFunction(BinaryLoop which, const KernelRequest& request) {
  const Broadcast broadcast(request.inputs[0], request.inputs[1], request.outputs[0]);
  const std::size_t divisors = which == BinaryLoop::Div && std::is_integral_v<T> ? request.inputs[1].elements() : 0;
  return [broadcast, which, divisors](auto inputs, auto outputs, std::byte*) {
    const auto* a = static_cast<const T*>(inputs[0]);
    const auto* b = static_cast<const T*>(inputs[1]);
    auto* out = static_cast<T*>(outputs[0]);
    if (std::find(b, b + divisors, T{0}) != b + divisors) throwExpected("backend::Div", "integer divisors other than 0", "0");
    forBlocks(broadcast.total(), kBlock, [&](std::size_t begin, std::size_t end) {
      broadcast.forRuns(begin, end, [&](std::size_t o, std::size_t i, std::size_t j, std::size_t n) {
        for (std::size_t k = 0; k < n; ++k) out[o + k] = compute<T>(which, a[i + k * broadcast.step(0)], b[j + k * broadcast.step(1)]);
      });
    });
  };
}

FunctionKernel::Function functionFor(BinaryLoop which, const KernelRequest& request) {
  switch (request.inputs[0].dtype) {
    case DataType::Float64:
      return plainFunction<double>(which, request);
    case DataType::Int64:
      return plainFunction<std::int64_t>(which, request);
    case DataType::Int32:
      return plainFunction<std::int32_t>(which, request);
    default:
      return floatFunction(which, request);
  }
}

bool addKernel(const std::string& type, BinaryLoop which) {
  KernelFactory factory;
  factory.layout = LayoutRule::SameAsInput;
  factory.inPlace = true;
  factory.canFuse = PostOpChain::canFuse;
  factory.unsupported = [](const Operator&, std::span<const TensorInfo> inputs) {
    return refuseOtherTypes(inputs, {DataType::Float32, DataType::Float64, DataType::Int32, DataType::Int64});
  };
  factory.create = [which](const KernelRequest& request) {
    return std::make_unique<FunctionKernel>("loop_binary", functionFor(which, request));
  };
  return KernelRegistry::add("cpu", type, std::move(factory));
}

[[maybe_unused]] const bool kRegistered = addKernel("Add", BinaryLoop::Add) && addKernel("Sub", BinaryLoop::Sub) &&
                                          addKernel("Mul", BinaryLoop::Mul) && addKernel("Div", BinaryLoop::Div) &&
                                          addKernel("PReLU", BinaryLoop::Prelu);

}  // namespace

}  // namespace Aidge::cpu
