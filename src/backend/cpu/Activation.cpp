#include "aidge/backend/cpu/Activation.hpp"

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "KernelSupport.hpp"
#include "PostOps.hpp"
#include "aidge/core/Errors.hpp"

namespace Aidge::cpu {

namespace {

constexpr std::array<std::pair<std::string_view, UnaryLoop>, 8> kTypes{{{"ReLU", UnaryLoop::Relu},
                                                                        {"LeakyReLU", UnaryLoop::LeakyRelu},
                                                                        {"GeLU", UnaryLoop::GeluErf},
                                                                        {"Clip", UnaryLoop::Clip},
                                                                        {"Sigmoid", UnaryLoop::Sigmoid},
                                                                        {"Tanh", UnaryLoop::Tanh},
                                                                        {"HardSigmoid", UnaryLoop::HardSigmoid},
                                                                        {"HardSwish", UnaryLoop::HardSwish}}};

std::optional<UnaryLoop> loopOf(std::string_view type) {
  for (const auto& [name, loop] : kTypes) {
    if (name == type) return loop;
  }
  return std::nullopt;
}

float number(const Operator& op, std::string_view name) { return static_cast<float>(op.attribute<double>(name)); }

}  // namespace

bool ActivationFunction::supports(std::string_view type) { return loopOf(type).has_value(); }

ActivationFunction::ActivationFunction(const Operator& op) : mKind(UnaryLoop::Relu), mLoop(nullptr) {
  const auto kind = loopOf(op.type());
  if (!kind) throwExpected("backend::ActivationFunction", "an activation of one value", op.type());
  mKind = *kind;
  if (mKind == UnaryLoop::GeluErf && op.attribute<std::string>("approximate") == "tanh") mKind = UnaryLoop::GeluTanh;
  if (mKind == UnaryLoop::LeakyRelu) mA = number(op, "negative_slope");
  if (mKind == UnaryLoop::Clip) {
    mA = number(op, "min");
    mB = number(op, "max");
  }
  if (mKind == UnaryLoop::HardSigmoid) {
    mA = number(op, "alpha");
    mB = number(op, "beta");
  }
  mLoop = vectorLoops().loop(mKind);
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

std::unique_ptr<Kernel> createActivation(const KernelRequest& request) {
  const std::size_t total = request.outputs[0].elements();
  return std::make_unique<FunctionKernel>("loop_activation", [total, function = ActivationFunction(*request.op),
                                                              postOps = PostOpChain(request)](auto inputs, auto outputs, std::byte*) {
    const auto* in = static_cast<const float*>(inputs[0]);
    auto* out = static_cast<float*>(outputs[0]);
    forBlocks(total, kBlock, [&](std::size_t begin, std::size_t end) {
      function.apply(in + begin, out + begin, end - begin);
      postOps.apply(out + begin, end - begin);
    });
  });
}

bool addAll() {
  KernelFactory factory;
  factory.layout = LayoutRule::SameAsInput;
  factory.inPlace = true;
  factory.canFuse = PostOpChain::canFuse;
  factory.unsupported = [](const Operator&, std::span<const TensorInfo> inputs) { return refuseOtherTypes(inputs, {DataType::Float32}); };
  factory.create = createActivation;
  for (const auto& [type, loop] : kTypes) KernelRegistry::add("cpu", type, factory);
  return true;
}

[[maybe_unused]] const bool kRegistered = addAll();

}  // namespace

}  // namespace Aidge::cpu
