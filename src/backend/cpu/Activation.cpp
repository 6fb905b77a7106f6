#include "aidge/backend/cpu/Activation.hpp"

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "aidge/core/Errors.hpp"

namespace Aidge::cpu {

namespace {

std::optional<UnaryLoop> loopOf(std::string_view type) {
  static constexpr std::array<std::pair<std::string_view, UnaryLoop>, 8> kTypes{{{"ReLU", UnaryLoop::Relu},
                                                                                  {"LeakyReLU", UnaryLoop::LeakyRelu},
                                                                                  {"GeLU", UnaryLoop::GeluErf},
                                                                                  {"Clip", UnaryLoop::Clip},
                                                                                  {"Sigmoid", UnaryLoop::Sigmoid},
                                                                                  {"Tanh", UnaryLoop::Tanh},
                                                                                  {"HardSigmoid", UnaryLoop::HardSigmoid},
                                                                                  {"HardSwish", UnaryLoop::HardSwish}}};
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

}  // namespace Aidge::cpu
