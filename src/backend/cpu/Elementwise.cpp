// Functions of two inputs with NumPy's broadcasting: arithmetic, comparisons, logic, bits; minimum, maximum and mean of any number of inputs; and PReLU,
// whose slope is broadcast in the same way.
#include <cmath>
#include <concepts>
#include <limits>

#include "Broadcast.hpp"
#include "KernelSupport.hpp"
#include "PostOps.hpp"
#include "VectorLoops.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/data/Convert.hpp"

namespace Aidge::cpu {

namespace {

// ---- float32 arithmetic: the vector loops on runs ----------------------------------------------------------------------

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
  const Broadcast broadcast(std::span(request.inputs).first(2), request.outputs[0]);
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
      broadcast.forRuns(begin, end, [&](std::size_t o, const Broadcast::Offsets& at, std::size_t n) {
        if (loop != nullptr) return loop(a + at[0], b + at[1], out + o, n);
        stridedRun(which, a + at[0], broadcast.step(0), b + at[1], broadcast.step(1), out + o, n);
      });
      postOps.apply(out + begin, end - begin);
    });
  };
}

// ---- every type: element by element ------------------------------------------------------------------------------------

/// One run; steps in elements.
using Run = void (*)(const void* a, std::size_t stepA, const void* b, std::size_t stepB, void* out, std::size_t n);
using Find = Run (*)(DataType type);

template <typename T, typename R, auto F> void run(const void* a, std::size_t stepA, const void* b, std::size_t stepB, void* out,
                                                   std::size_t n) {
  using C = ComputeType<T>;
  const auto* x = static_cast<const T*>(a);
  const auto* y = static_cast<const T*>(b);
  auto* z = static_cast<R*>(out);
  for (std::size_t i = 0; i < n; ++i) z[i] = static_cast<R>(F(static_cast<C>(x[i * stepA]), static_cast<C>(y[i * stepB])));
}

template <auto F> Run onNumbers(DataType type) {
  return withType(type, []<typename T>() -> Run {
    if constexpr (std::same_as<T, bool>) return nullptr;
    if constexpr (!std::same_as<T, bool>) return run<T, T, F>;
  });
}
template <auto F> Run toTruth(DataType type) {
  return withType(type, []<typename T>() -> Run { return run<T, bool, F>; });
}
template <auto F> Run onTruth(DataType) { return run<bool, bool, F>; }
template <auto F> Run onIntegers(DataType type) {
  return withType(type, []<typename T>() -> Run {
    if constexpr (std::integral<T> && !std::same_as<T, bool>) return run<T, T, F>;
    return nullptr;
  });
}

/// Integers wrap round, as NumPy's do.
template <auto F, typename T> T wrapped(T x, T y) {
  if constexpr (std::integral<T>) return static_cast<T>(F(static_cast<std::uint64_t>(x), static_cast<std::uint64_t>(y)));
  if constexpr (!std::integral<T>) return F(x, y);
}
template <typename T> T product(T x, T y) {
  return wrapped<[](auto a, auto b) { return a * b; }>(x, y);
}

/// Quotients of integers are truncated towards zero.
template <typename T> T quotient(T x, T y) {
  if constexpr (std::signed_integral<T>) {
    if (y == T{-1}) return static_cast<T>(std::uint64_t{0} - static_cast<std::uint64_t>(x));
  }
  return static_cast<T>(x / y);
}

/// Remainder with the sign of x (C's).
template <typename T> T remainder(T x, T y) {
  if constexpr (std::floating_point<T>) return std::fmod(x, y);
  if constexpr (std::signed_integral<T>) {
    if (y == T{-1}) return T{0};
  }
  if constexpr (std::integral<T>) return static_cast<T>(x % y);
}

/// Remainder with the sign of y (Python's).
template <typename T> T modulus(T x, T y) {
  const T rest = remainder(x, y);
  return rest != T{0} && (rest < T{0}) != (y < T{0}) ? static_cast<T>(rest + y) : rest;
}

/// The lesser or the greater one; NaN wins.
template <typename T> T lesser(T x, T y) { return x < y || x != x ? x : y; }
template <typename T> T greater(T x, T y) { return x > y || x != x ? x : y; }
template <typename T> T shiftedLeft(T x, T y) { return y < sizeof(T) * 8 ? static_cast<T>(x << y) : T{0}; }
template <typename T> T shiftedRight(T x, T y) { return y < sizeof(T) * 8 ? static_cast<T>(x >> y) : T{0}; }

constexpr Find kSum = onNumbers<[](auto x, auto y) { return wrapped<[](auto a, auto b) { return a + b; }>(x, y); }>;
constexpr Find kQuotient = onNumbers<[](auto x, auto y) { return quotient(x, y); }>;

/// Whether the second operand is a divisor.
enum class Divides : bool { No, Yes };

/// Divisors of integers that are to be looked at for 0.
std::size_t divisorsOf(const KernelRequest& request, Divides divides) {
  return divides == Divides::Yes && kIntegerTypes.contains(request.inputs[1].dtype) ? request.inputs[1].elements() : 0;
}

void refuseZeros(const void* divisors, DataType type, std::size_t count, const std::string& name) {
  forElementSize(type, [&](auto zero) {
    const auto* values = static_cast<const decltype(zero)*>(divisors);
    if (std::find(values, values + count, zero) != values + count) throwExpected("backend::" + name, "integer divisors other than 0", "0");
  });
}

FunctionKernel::Function plainFunction(Run run, const KernelRequest& request, Divides divides = Divides::No) {
  const Broadcast broadcast(std::span(request.inputs).first(2), request.outputs[0]);
  const DataType in = request.inputs[0].dtype;
  const std::size_t outSize = sizeOf(request.outputs[0].dtype);
  return [=, divisors = divisorsOf(request, divides), name = request.op->type()](auto inputs, auto outputs, std::byte*) {
    const auto* a = static_cast<const std::byte*>(inputs[0]);
    const auto* b = static_cast<const std::byte*>(inputs[1]);
    auto* out = static_cast<std::byte*>(outputs[0]);
    if (divisors > 0) refuseZeros(b, in, divisors, name);
    forBlocks(broadcast.total(), kBlock, [&](std::size_t begin, std::size_t end) {
      broadcast.forRuns(begin, end, [&](std::size_t o, const Broadcast::Offsets& at, std::size_t n) {
        run(a + at[0] * sizeOf(in), broadcast.step(0), b + at[1] * sizeOf(in), broadcast.step(1), out + o * outSize, n);
      });
    });
  };
}

/// One input after the other is combined with the output; for a mean the sum is divided at last.
std::unique_ptr<Kernel> createChain(const KernelRequest& request, Run combine, Run divide) {
  const TensorDesc& output = request.outputs[0];
  if (request.inputs.size() == 1) return createCopy(request);
  std::vector<Broadcast> walks;
  for (std::size_t k = 1; k < request.inputs.size(); ++k) {
    const std::array<TensorDesc, 2> operands{k == 1 ? request.inputs[0] : output, request.inputs[k]};
    walks.emplace_back(operands, output);
  }
  const Tensor count = Tensor::full({1}, static_cast<double>(request.inputs.size()), output.dtype);
  return std::make_unique<FunctionKernel>("loop_chain", [=, size = sizeOf(output.dtype)](auto inputs, auto outputs, std::byte*) {
    auto* out = static_cast<std::byte*>(outputs[0]);
    forBlocks(walks[0].total(), kBlock, [&](std::size_t begin, std::size_t end) {
      for (std::size_t k = 0; k < walks.size(); ++k) {
        const auto* a = k == 0 ? static_cast<const std::byte*>(inputs[0]) : out;
        const auto* b = static_cast<const std::byte*>(inputs[k + 1]);
        walks[k].forRuns(begin, end, [&](std::size_t o, const Broadcast::Offsets& at, std::size_t n) {
          combine(a + at[0] * size, walks[k].step(0), b + at[1] * size, walks[k].step(1), out + o * size, n);
        });
      }
      if (divide != nullptr) divide(out + begin * size, 1, count.rawData(), 0, out + begin * size, end - begin);
    });
  });
}

// ---- registration --------------------------------------------------------------------------------------------------------

bool addElementwise(const std::string& type, std::function<std::unique_ptr<Kernel>(const KernelRequest&)> create, bool fuses = false) {
  KernelFactory factory;
  factory.layout = LayoutRule::SameAsInput;
  factory.inPlace = true;
  if (fuses) factory.canFuse = PostOpChain::canFuse;
  factory.create = std::move(create);
  return KernelRegistry::add("cpu", type, std::move(factory));
}

bool addArithmetic(const std::string& type, BinaryLoop loop, Find find, Divides divides = Divides::No) {
  const auto create = [=](const KernelRequest& request) {
    const DataType dtype = request.inputs[0].dtype;
    return std::make_unique<FunctionKernel>(
        "loop_binary", dtype == DataType::Float32 ? floatFunction(loop, request) : plainFunction(find(dtype), request, divides));
  };
  return addElementwise(type, create, true);
}

bool addBinary(const std::string& type, Find find) {
  return addElementwise(type, [=](const KernelRequest& request) {
    return std::make_unique<FunctionKernel>("loop_binary", plainFunction(find(request.inputs[0].dtype), request));
  });
}

/// A type with two functions, told apart by `isFirst`.
bool addEither(const std::string& type, bool (*isFirst)(const Operator&), Find first, Find second, Divides divides = Divides::No) {
  return addElementwise(type, [=](const KernelRequest& request) {
    const Find find = isFirst(*request.op) ? first : second;
    return std::make_unique<FunctionKernel>("loop_binary", plainFunction(find(request.inputs[0].dtype), request, divides));
  });
}

bool addChain(const std::string& type, Find combine, Find divide = nullptr) {
  return addElementwise(type, [=](const KernelRequest& request) {
    const DataType dtype = request.inputs[0].dtype;
    return createChain(request, combine(dtype), divide != nullptr ? divide(dtype) : nullptr);
  });
}

bool addElementwiseKernels() {
  addArithmetic("Add", BinaryLoop::Add, kSum);
  addArithmetic("Sub", BinaryLoop::Sub, onNumbers<[](auto x, auto y) { return wrapped<[](auto a, auto b) { return a - b; }>(x, y); }>);
  addArithmetic("Mul", BinaryLoop::Mul, onNumbers<[](auto x, auto y) { return product(x, y); }>);
  addArithmetic("Div", BinaryLoop::Div, kQuotient, Divides::Yes);
  addArithmetic("PReLU", BinaryLoop::Prelu, onNumbers<[](auto x, auto y) { return x < decltype(x){0} ? product(x, y) : x; }>);
  addEither(
      "Mod", [](const Operator& op) { return op.attribute<bool>("fmod"); }, onNumbers<[](auto x, auto y) { return remainder(x, y); }>,
      onNumbers<[](auto x, auto y) { return modulus(x, y); }>, Divides::Yes);
  addEither(
      "BitShift", [](const Operator& op) { return op.attribute<std::string>("direction") == "LEFT"; },
      onIntegers<[](auto x, auto y) { return shiftedLeft<std::make_unsigned_t<decltype(x)>>(x, y); }>,
      onIntegers<[](auto x, auto y) { return shiftedRight<std::make_unsigned_t<decltype(x)>>(x, y); }>);
  addBinary("Equal", toTruth<[](auto x, auto y) { return x == y; }>);
  addBinary("Less", toTruth<[](auto x, auto y) { return x < y; }>);
  addBinary("LessOrEqual", toTruth<[](auto x, auto y) { return x <= y; }>);
  addBinary("Greater", toTruth<[](auto x, auto y) { return y < x; }>);
  addBinary("GreaterOrEqual", toTruth<[](auto x, auto y) { return y <= x; }>);
  addBinary("And", onTruth<[](bool x, bool y) { return x && y; }>);
  addBinary("Or", onTruth<[](bool x, bool y) { return x || y; }>);
  addBinary("Xor", onTruth<[](bool x, bool y) { return x != y; }>);
  addBinary("BitwiseAnd", onIntegers<[](auto x, auto y) { return x & y; }>);
  addBinary("BitwiseOr", onIntegers<[](auto x, auto y) { return x | y; }>);
  addBinary("BitwiseXor", onIntegers<[](auto x, auto y) { return x ^ y; }>);
  addChain("Min", onNumbers<[](auto x, auto y) { return lesser(x, y); }>);
  addChain("Max", onNumbers<[](auto x, auto y) { return greater(x, y); }>);
  return addChain("Mean", kSum, kQuotient);
}

[[maybe_unused]] const bool kElementwiseRegistered = addElementwiseKernels();

}  // namespace

}  // namespace Aidge::cpu
