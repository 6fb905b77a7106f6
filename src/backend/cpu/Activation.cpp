#include "Activation.hpp"

#include <algorithm>
#include <array>
#include <concepts>
#include <limits>
#include <optional>
#include <string>

#include "KernelSupport.hpp"
#include "PostOps.hpp"
#include "UnaryFunctions.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/data/Convert.hpp"

namespace Aidge::cpu {

namespace {

/// The function that an operator stands for, or nullptr.
const UnaryFunction* find(std::string_view type) {
  const auto functions = unaryFunctions();
  const auto found = std::find_if(functions.begin(), functions.end(), [&](const UnaryFunction& entry) { return entry.type == type; });
  return found == functions.end() ? nullptr : &*found;
}

const UnaryFunction& functionOf(const Operator& op) {
  const UnaryFunction* found = find(op.type());
  if (found == nullptr) throwExpected("backend::ActivationFunction", "an activation of one value", op.type());
  const bool second = op.hasAttribute("approximate") && op.attribute<std::string>("approximate") == "tanh";
  return second ? found[1] : *found;
}

double parameter(const Operator& op, std::string_view name) { return name.empty() ? 0.0 : op.attribute<double>(name); }

}  // namespace

bool ActivationFunction::supports(std::string_view type) { return find(type) != nullptr; }

ActivationFunction::ActivationFunction(const Operator& op) {
  const UnaryFunction& function = functionOf(op);
  mKind = function.vector;
  mLoop = mKind ? vectorLoops().loop(*mKind) : function.single;
  mA = static_cast<float>(parameter(op, function.parameters[0]));
  mB = static_cast<float>(parameter(op, function.parameters[1]));
}

std::optional<float> ActivationFunction::reluSlope() const noexcept {
  if (mKind == UnaryLoop::Relu) return 0.0F;
  if (mKind == UnaryLoop::LeakyRelu && mA >= 0.0F) return mA;
  return std::nullopt;
}

std::optional<float> ActivationFunction::clipBound() const noexcept {
  if (mKind == UnaryLoop::Clip && mA == 0.0F && mB > 0.0F) return mB;
  return std::nullopt;
}

namespace {

/// Elements at a time of types that are computed with in float.
constexpr std::size_t kActivationPiece = 1024;

template <typename T> void applyInFloat(const ActivationFunction& function, const T* in, T* out, std::size_t n) {
  std::array<float, kActivationPiece> values;
  for (std::size_t begin = 0; begin < n; begin += kActivationPiece) {
    const std::size_t count = std::min(kActivationPiece, n - begin);
    for (std::size_t i = 0; i < count; ++i) values[i] = in[begin + i];
    function.apply(values.data(), values.data(), count);
    for (std::size_t i = 0; i < count; ++i) out[begin + i] = T(values[i]);
  }
}

/// ReLU, Clip, Abs, Neg and Sign of integers, which wrap round.
template <std::integral T> FunctionKernel::Function integerFunction(const Operator& op, std::size_t total) {
  const auto over = [total](auto f) -> FunctionKernel::Function {
    return [total, f](auto inputs, auto outputs, std::byte*) {
      const auto* in = static_cast<const T*>(inputs[0]);
      auto* out = static_cast<T*>(outputs[0]);
      forBlocks(total, kBlock, [&](std::size_t begin, std::size_t end) { std::transform(in + begin, in + end, out + begin, f); });
    };
  };
  const auto negated = [](T x) { return static_cast<T>(std::uint64_t{0} - static_cast<std::uint64_t>(x)); };
  const std::optional<UnaryLoop> kind = functionOf(op).vector;
  if (kind == UnaryLoop::Neg) return over(negated);
  if (kind == UnaryLoop::Abs) return over([negated](T x) { return x < T{0} ? negated(x) : x; });
  if (kind == UnaryLoop::Relu) return over([](T x) { return std::max(x, T{0}); });
  if (kind != UnaryLoop::Clip) return over([](T x) { return static_cast<T>((x > T{0} ? 1 : 0) - (x < T{0} ? 1 : 0)); });  // Sign
  const auto bound = [&](std::string_view name) {
    const double value = op.attribute<double>(name);
    if (value <= static_cast<double>(std::numeric_limits<T>::lowest())) return std::numeric_limits<T>::lowest();
    return value >= static_cast<double>(std::numeric_limits<T>::max()) ? std::numeric_limits<T>::max() : static_cast<T>(value);
  };
  return over([low = bound("min"), high = bound("max")](T x) { return std::min(std::max(x, low), high); });
}

template <typename T> FunctionKernel::Function functionFor(const KernelRequest& request) {
  const std::size_t total = request.outputs[0].elements();
  if constexpr (std::integral<T>) {
    return integerFunction<T>(*request.op, total);
  } else if constexpr (std::same_as<T, double>) {
    const UnaryFunction& function = functionOf(*request.op);
    const double a = parameter(*request.op, function.parameters[0]);
    const double b = parameter(*request.op, function.parameters[1]);
    return [total, wide = function.wide, a, b](auto inputs, auto outputs, std::byte*) {
      const auto* in = static_cast<const T*>(inputs[0]);
      auto* out = static_cast<T*>(outputs[0]);
      forBlocks(total, kBlock, [&](std::size_t begin, std::size_t end) { wide(in + begin, out + begin, end - begin, a, b); });
    };
  } else {
    return [total, function = ActivationFunction(*request.op), postOps = PostOpChain(request)](auto inputs, auto outputs, std::byte*) {
      const auto* in = static_cast<const T*>(inputs[0]);
      auto* out = static_cast<T*>(outputs[0]);
      forBlocks(total, kBlock, [&](std::size_t begin, std::size_t end) {
        if constexpr (std::same_as<T, float>) {
          function.apply(in + begin, out + begin, end - begin);
          postOps.apply(out + begin, end - begin);
        } else {
          applyInFloat(function, in + begin, out + begin, end - begin);
        }
      });
    };
  }
}

std::unique_ptr<Kernel> createActivation(const KernelRequest& request) {
  return std::make_unique<FunctionKernel>("loop_activation",
                                          withType(request.inputs[0].dtype, [&]<typename T>() { return functionFor<T>(request); }));
}

bool addActivationKernels() {
  KernelFactory factory;
  factory.layout = LayoutRule::SameAsInput;
  factory.inPlace = true;
  factory.canFuse = PostOpChain::canFuse;
  factory.create = createActivation;
  std::string_view last;
  for (const UnaryFunction& function : unaryFunctions()) {
    if (function.type != last) KernelRegistry::add("cpu", function.type, factory);
    last = function.type;
  }
  return true;
}

[[maybe_unused]] const bool kActivationRegistered = addActivationKernels();

}  // namespace

}  // namespace Aidge::cpu
