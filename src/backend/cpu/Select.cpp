// Where, Pow (whose inputs may differ in type), and tests of single values: Not, BitwiseNot, IsNaN, IsInf.
#include <array>
#include <cmath>
#include <concepts>

#include "Broadcast.hpp"
#include "KernelSupport.hpp"
#include "aidge/data/Convert.hpp"

namespace Aidge::cpu {

namespace {

// ---- Where -------------------------------------------------------------------------------------------------------------

template <typename T> FunctionKernel::Function whereFunction(const KernelRequest& request) {
  return [walk = Broadcast(request.inputs, request.outputs[0])](auto inputs, auto outputs, std::byte*) {
    const auto* condition = static_cast<const bool*>(inputs[0]);
    const auto* x = static_cast<const T*>(inputs[1]);
    const auto* y = static_cast<const T*>(inputs[2]);
    auto* out = static_cast<T*>(outputs[0]);
    forBlocks(walk.total(), kBlock, [&](std::size_t begin, std::size_t end) {
      walk.forRuns(begin, end, [&](std::size_t o, const Broadcast::Offsets& at, std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) {
          out[o + i] = condition[at[0] + i * walk.step(0)] ? x[at[1] + i * walk.step(1)] : y[at[2] + i * walk.step(2)];
        }
      });
    });
  };
}

std::unique_ptr<Kernel> createWhere(const KernelRequest& request) {
  return std::make_unique<FunctionKernel>(
      "loop_where", forElementSize(request.outputs[0].dtype, [&](auto element) { return whereFunction<decltype(element)>(request); }));
}

// ---- Pow -----------------------------------------------------------------------------------------------------------------

/// By repeated squaring; wraps round. A negative exponent leaves 0, or 1 and -1 of themselves.
template <std::integral T> T integerPower(T base, std::int64_t exponent) {
  if (exponent < 0) {
    if (base == T{1}) return base;
    return std::signed_integral<T> && base == static_cast<T>(-1) ? (exponent % 2 == 0 ? T{1} : base) : T{0};
  }
  std::uint64_t result = 1;
  auto factor = static_cast<std::uint64_t>(base);
  for (; exponent > 0; exponent >>= 1) {
    if (exponent & 1) result *= factor;
    factor *= factor;
  }
  return static_cast<T>(result);
}

template <typename T, typename E> T power(T base, E exponent) {
  if constexpr (std::integral<T> && std::integral<E>) {
    return integerPower(base, exponent);
  } else if constexpr (std::same_as<T, E>) {
    if (exponent == E{2}) return base * base;
    if (exponent == E{3}) return base * base * base;
    return std::pow(base, exponent);
  } else {
    return convertTo<T>(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
}

/// Types of base and exponent are brought to this one: wide enough for both halves' and the small integers' values.
template <typename T>
using PowerType = std::conditional_t<kIsHalf<T>, float, std::conditional_t<std::integral<T>, std::int64_t, T>>;

constexpr std::size_t kPowPiece = 256;

/// n elements of `from`, `step` apart, as values of type T.
template <typename T> void gather(const std::byte* in, DataType from, std::size_t step, T* values, std::size_t n) {
  if (step == 1) return convertElements(in, from, values, DataTypeOf<T>::value, n);
  for (std::size_t i = 0; i < (step == 0 ? 1 : n); ++i)
    convertElements(in + i * step * sizeOf(from), from, values + i, DataTypeOf<T>::value, 1);
  if (step == 0) std::fill_n(values + 1, n - 1, values[0]);
}

template <typename T, typename E> FunctionKernel::Function powerFunction(const KernelRequest& request) {
  return [walk = Broadcast(std::span(request.inputs).first(2), request.outputs[0]), from = request.inputs[0].dtype,
          exponents = request.inputs[1].dtype](auto inputs, auto outputs, std::byte*) {
    const auto* x = static_cast<const std::byte*>(inputs[0]);
    const auto* y = static_cast<const std::byte*>(inputs[1]);
    auto* out = static_cast<std::byte*>(outputs[0]);
    const auto piece = [&](std::size_t o, std::size_t i, std::size_t j, std::size_t n) {
      std::array<T, kPowPiece> base;
      std::array<E, kPowPiece> exponent;
      gather(x + i * sizeOf(from), from, walk.step(0), base.data(), n);
      gather(y + j * sizeOf(exponents), exponents, walk.step(1), exponent.data(), n);
      for (std::size_t k = 0; k < n; ++k) base[k] = power(base[k], exponent[k]);
      convertElements(base.data(), DataTypeOf<T>::value, out + o * sizeOf(from), from, n);
    };
    forBlocks(walk.total(), kBlock, [&](std::size_t begin, std::size_t end) {
      walk.forRuns(begin, end, [&](std::size_t o, const Broadcast::Offsets& at, std::size_t n) {
        for (std::size_t done = 0; done < n; done += kPowPiece) {
          piece(o + done, at[0] + done * walk.step(0), at[1] + done * walk.step(1), std::min(kPowPiece, n - done));
        }
      });
    });
  };
}

std::unique_ptr<Kernel> createPow(const KernelRequest& request) {
  auto function = withType(request.inputs[0].dtype, [&]<typename T>() -> FunctionKernel::Function {
    return withType(request.inputs[1].dtype,
                    [&]<typename E>() -> FunctionKernel::Function { return powerFunction<PowerType<T>, PowerType<E>>(request); });
  });
  return std::make_unique<FunctionKernel>("loop_pow", std::move(function));
}

// ---- tests of single values ----------------------------------------------------------------------------------------------

template <typename T, typename R, typename F> FunctionKernel::Function mapFunction(std::size_t total, F f) {
  return [total, f](auto inputs, auto outputs, std::byte*) {
    const auto* in = static_cast<const T*>(inputs[0]);
    auto* out = static_cast<R*>(outputs[0]);
    forBlocks(total, kBlock, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) out[i] = static_cast<R>(f(static_cast<ComputeType<T>>(in[i])));
    });
  };
}

FunctionKernel::Function notFunction(const KernelRequest& request) {
  return mapFunction<bool, bool>(request.outputs[0].elements(), [](bool x) { return !x; });
}

FunctionKernel::Function bitwiseNotFunction(const KernelRequest& request) {
  return forElementSize(request.inputs[0].dtype, [&](auto element) -> FunctionKernel::Function {
    using T = decltype(element);
    return mapFunction<T, T>(request.outputs[0].elements(), [](T x) { return static_cast<T>(~x); });
  });
}

FunctionKernel::Function isNaNFunction(const KernelRequest& request) {
  return withType(request.inputs[0].dtype, [&]<typename T>() -> FunctionKernel::Function {
    return mapFunction<T, bool>(request.outputs[0].elements(), [](ComputeType<T> x) { return x != x; });
  });
}

FunctionKernel::Function isInfFunction(const KernelRequest& request) {
  const bool negative = request.op->attribute<bool>("detect_negative");
  const bool positive = request.op->attribute<bool>("detect_positive");
  return withType(request.inputs[0].dtype, [&]<typename T>() -> FunctionKernel::Function {
    constexpr auto kInfinity = std::numeric_limits<double>::infinity();
    return mapFunction<T, bool>(request.outputs[0].elements(), [=](ComputeType<T> x) {
      const auto value = static_cast<double>(x);
      return (positive && value == kInfinity) || (negative && value == -kInfinity);
    });
  });
}

bool addSelectKernels() {
  KernelFactory factory;
  factory.layout = LayoutRule::SameAsInput;
  factory.create = createWhere;
  KernelRegistry::add("cpu", "Where", factory);
  factory.create = createPow;
  KernelRegistry::add("cpu", "Pow", factory);
  factory.inPlace = true;
  const auto addTest = [&](std::string_view type, FunctionKernel::Function (*function)(const KernelRequest&)) {
    factory.create = [function](const KernelRequest& request) { return std::make_unique<FunctionKernel>("loop_test", function(request)); };
    return KernelRegistry::add("cpu", type, factory);
  };
  return addTest("Not", notFunction) && addTest("BitwiseNot", bitwiseNotFunction) && addTest("IsNaN", isNaNFunction) &&
         addTest("IsInf", isInfFunction);
}

[[maybe_unused]] const bool kSelectRegistered = addSelectKernels();

}  // namespace

}  // namespace Aidge::cpu
