#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "VectorLoops.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge::cpu {

/// A function of one value, ready to be applied to runs of float32: the operator types whose role is Role::Unary.
class ActivationFunction {
 public:
  /// Whether `type` is one of them.
  [[nodiscard]] static bool supports(std::string_view type);
  /// Takes the attributes' present values. Throws std::invalid_argument for another type.
  explicit ActivationFunction(const Operator& op);

  /// Which function it is, where it has a vectorised loop, and its two parameters (see VectorLoops::unary).
  [[nodiscard]] std::optional<UnaryLoop> kind() const noexcept { return mKind; }
  [[nodiscard]] float a() const noexcept { return mA; }
  [[nodiscard]] float b() const noexcept { return mB; }
  /// out[i] = f(in[i]); `out` may equal `in`.
  void apply(const float* in, float* out, std::size_t n) const { mLoop(in, out, n, mA, mB); }
  /// f is v for v >= 0 and slope * v below, with this slope >= 0 (ReLU: 0); nothing for other functions.
  [[nodiscard]] std::optional<float> reluSlope() const noexcept;
  /// The bound > 0 of a Clip to [0, bound]; nothing for other functions.
  [[nodiscard]] std::optional<float> clipBound() const noexcept;

 private:
  std::optional<UnaryLoop> mKind;  ///< where the loop is a vectorised one
  VectorLoops::Unary mLoop = nullptr;
  float mA = 0.0F;
  float mB = 0.0F;
};

}  // namespace Aidge::cpu
