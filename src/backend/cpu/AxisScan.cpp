// What goes along one axis, line by line: ArgMax, ArgMin, Hardmax, CumSum, LpNormalization.
#include <cmath>
#include <concepts>

#include "AxisLines.hpp"
#include "aidge/data/Convert.hpp"

namespace Aidge::cpu {

namespace {

/// Index of the greatest (or least) of n values `step` apart; a NaN beats all.
template <typename T> std::size_t extremeOf(const T* in, std::size_t n, std::size_t step, bool greatest, bool last) {
  using C = ComputeType<T>;
  std::size_t best = 0;
  for (std::size_t i = 1; i < n; ++i) {
    const C value = in[i * step];
    const C known = in[best * step];
    if (known != known) break;
    const bool beats = greatest ? value > known : value < known;
    if (beats || value != value || (last && value == known)) best = i;
  }
  return best;
}

template <typename T> FunctionKernel::Function extremeFunction(const KernelRequest& request, bool greatest) {
  const Operator& op = *request.op;
  return [lines = AxisLines(request, op.attribute<std::int64_t>("axis")), greatest, last = op.attribute<bool>("select_last_index")](
             auto inputs, auto outputs, std::byte*) {
    const auto* in = static_cast<const T*>(inputs[0]);
    auto* out = static_cast<std::int64_t*>(outputs[0]);
    lines.forEach([&](std::size_t at) {
      const std::size_t line = at / lines.plane() * lines.inner + at % lines.inner;
      out[line] = static_cast<std::int64_t>(extremeOf(in + at, lines.n, lines.inner, greatest, last));
    });
  };
}

template <typename T> FunctionKernel::Function hardmaxFunction(const KernelRequest& request) {
  return [lines = AxisLines(request, request.op->attribute<std::int64_t>("axis"))](auto inputs, auto outputs, std::byte*) {
    const auto* in = static_cast<const T*>(inputs[0]);
    auto* out = static_cast<T*>(outputs[0]);
    lines.forEach([&](std::size_t at) {
      const std::size_t best = extremeOf(in + at, lines.n, lines.inner, true, false);
      for (std::size_t i = 0; i < lines.n; ++i) out[at + i * lines.inner] = convertTo<T>(i == best ? 1 : 0);
    });
  };
}

template <typename T> FunctionKernel::Function cumSumFunction(const KernelRequest& request) {
  using A = std::conditional_t<std::integral<T>, std::uint64_t, double>;
  const Operator& op = *request.op;
  return [lines = AxisLines(request, op.attribute<std::int64_t>("axis")), exclusive = op.attribute<bool>("exclusive"),
          reverse = op.attribute<bool>("reverse")](auto inputs, auto outputs, std::byte*) {
    const auto* in = static_cast<const T*>(inputs[0]);
    auto* out = static_cast<T*>(outputs[0]);
    lines.forEach([&](std::size_t at) {
      A total{0};
      for (std::size_t i = 0; i < lines.n; ++i) {
        const std::size_t place = at + (reverse ? lines.n - 1 - i : i) * lines.inner;
        const A before = total;
        total += static_cast<A>(in[place]);
        out[place] = convertTo<T>(exclusive ? before : total);
      }
    });
  };
}

/// x / (sum |x|) or x / sqrt(sum x^2); 0 if that norm is 0.
template <typename T> FunctionKernel::Function lpFunction(const KernelRequest& request) {
  const Operator& op = *request.op;
  return [lines = AxisLines(request, op.attribute<std::int64_t>("axis")), squares = op.attribute<std::int64_t>("p") == 2](
             auto inputs, auto outputs, std::byte*) {
    const auto* in = static_cast<const T*>(inputs[0]);
    auto* out = static_cast<T*>(outputs[0]);
    lines.forEach([&](std::size_t at) {
      double norm = 0.0;
      for (std::size_t i = 0; i < lines.n; ++i) {
        const auto x = static_cast<double>(in[at + i * lines.inner]);
        norm += squares ? x * x : std::abs(x);
      }
      const double factor = norm == 0.0 ? 0.0 : 1.0 / (squares ? std::sqrt(norm) : norm);
      for (std::size_t i = 0; i < lines.n; ++i) {
        const std::size_t place = at + i * lines.inner;
        out[place] = convertTo<T>(static_cast<double>(in[place]) * factor);
      }
    });
  };
}

template <typename Make> bool addAxisScan(const std::string& type, LayoutRule layout, Make make) {
  KernelFactory factory;
  factory.layout = layout;
  factory.create = [make](const KernelRequest& request) -> std::unique_ptr<Kernel> {
    return withType(request.inputs[0].dtype, [&]<typename T>() -> std::unique_ptr<Kernel> {
      return std::make_unique<FunctionKernel>("loop_axis", make.template operator()<T>(request));
    });
  };
  return KernelRegistry::add("cpu", type, std::move(factory));
}

// An index has no channels of its own where the axis is gone: ArgMax and ArgMin work on row-major tensors.
[[maybe_unused]] const bool kAxisScanRegistered =
    addAxisScan("ArgMax", LayoutRule::PlainOnly,
                []<typename T>(const KernelRequest& request) { return extremeFunction<T>(request, true); }) &&
    addAxisScan("ArgMin", LayoutRule::PlainOnly,
                []<typename T>(const KernelRequest& request) { return extremeFunction<T>(request, false); }) &&
    addAxisScan("Hardmax", LayoutRule::SameAsInput, []<typename T>(const KernelRequest& request) { return hardmaxFunction<T>(request); }) &&
    addAxisScan("CumSum", LayoutRule::SameAsInput, []<typename T>(const KernelRequest& request) { return cumSumFunction<T>(request); }) &&
    addAxisScan("LpNormalization", LayoutRule::SameAsInput,
                []<typename T>(const KernelRequest& request) { return lpFunction<T>(request); });

}  // namespace

}  // namespace Aidge::cpu
