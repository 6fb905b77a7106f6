#include "UnaryFunctions.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace Aidge::cpu {

namespace {

template <typename T, auto F> void loop(const T* in, T* out, std::size_t n, T a, T b) {
  for (std::size_t i = 0; i < n; ++i) out[i] = F(in[i], a, b);
}

/// A function with a vectorised loop for float.
template <auto F>
constexpr UnaryFunction vector(std::string_view type, UnaryLoop which, std::string_view a = "", std::string_view b = "") {
  return {type, {a, b}, which, nullptr, loop<double, F>};
}

template <auto F> constexpr UnaryFunction plain(std::string_view type, std::string_view a = "", std::string_view b = "") {
  return {type, {a, b}, std::nullopt, loop<float, F>, loop<double, F>};
}

template <typename T> T sigmoid(T x) { return T{1} / (T{1} + std::exp(-x)); }
template <typename T> T softplus(T x) { return std::max(x, T{0}) + std::log1p(std::exp(-std::abs(x))); }
template <typename T> T between01(T x) { return std::min(std::max(x, T{0}), T{1}); }
double clip(double x, double low, double high) {
  const double raised = x < low ? low : x;
  return raised > high ? high : raised;
}
template <typename T> T shrink(T x, T bound, T bias) { return x < -bound ? x + bias : x > bound ? x - bias : T{0}; }
template <typename T> T sign(T x) { return x > T{0} ? T{1} : x < T{0} ? T{-1} : x; }

constexpr std::array kFunctions{
    vector<[](double x, double, double) { return x < 0.0 ? 0.0 : x; }>("ReLU", UnaryLoop::Relu),
    vector<[](double x, double a, double) { return x < 0.0 ? a * x : x; }>("LeakyReLU", UnaryLoop::LeakyRelu, "negative_slope"),
    vector<[](double x, double, double) { return 0.5 * x * std::erfc(-x / std::numbers::sqrt2); }>("GeLU", UnaryLoop::GeluErf),
    vector<[](double x, double, double) {
      return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    }>("GeLU", UnaryLoop::GeluTanh),
    vector<[](double x, double a, double b) { return clip(x, a, b); }>("Clip", UnaryLoop::Clip, "min", "max"),
    vector<[](double x, double, double) { return sigmoid(x); }>("Sigmoid", UnaryLoop::Sigmoid),
    vector<[](double x, double, double) { return std::tanh(x); }>("Tanh", UnaryLoop::Tanh),
    vector<[](double x, double a, double b) { return between01(a * x + b); }>("HardSigmoid", UnaryLoop::HardSigmoid, "alpha", "beta"),
    vector<[](double x, double, double) { return x * between01(x / 6.0 + 0.5); }>("HardSwish", UnaryLoop::HardSwish),
    vector<[](double x, double a, double) { return x < 0.0 ? a * std::expm1(x) : x; }>("Elu", UnaryLoop::Elu, "alpha"),
    vector<[](double x, double a, double b) { return b * (x < 0.0 ? a * std::expm1(x) : x); }>("Selu", UnaryLoop::Selu, "alpha", "gamma"),
    vector<[](double x, double a, double) { return (x < 0.0 ? 0.0 : x) + std::min(0.0, a * std::expm1(x / a)); }>("Celu", UnaryLoop::Celu,
                                                                                                                  "alpha"),
    vector<[](double x, double, double) { return softplus(x); }>("Softplus", UnaryLoop::Softplus),
    vector<[](double x, double, double) { return x / (1.0 + std::abs(x)); }>("Softsign", UnaryLoop::Softsign),
    vector<[](double x, double a, double) { return x <= a ? 0.0 : x; }>("ThresholdedRelu", UnaryLoop::ThresholdedRelu, "alpha"),
    vector<[](double x, double, double) { return x * std::tanh(softplus(x)); }>("Mish", UnaryLoop::Mish),
    vector<[](double x, double a, double) { return x * sigmoid(a * x); }>("Swish", UnaryLoop::Swish, "alpha"),
    vector<[](double x, double, double) { return std::exp(x); }>("Exp", UnaryLoop::Exp),
    vector<[](double x, double, double) { return std::abs(x); }>("Abs", UnaryLoop::Abs),
    vector<[](double x, double, double) { return -x; }>("Neg", UnaryLoop::Neg),
    vector<[](double x, double, double) { return std::sqrt(x); }>("Sqrt", UnaryLoop::Sqrt),
    vector<[](double x, double, double) { return 1.0 / x; }>("Reciprocal", UnaryLoop::Reciprocal),
    plain<[](auto x, auto, auto) { return std::log(x); }>("Log"),
    plain<[](auto x, auto, auto) { return std::erf(x); }>("Erf"),
    plain<[](auto x, auto, auto) { return std::floor(x); }>("Floor"),
    plain<[](auto x, auto, auto) { return std::ceil(x); }>("Ceil"),
    plain<[](auto x, auto, auto) { return std::nearbyint(x); }>("Round"),
    plain<[](auto x, auto, auto) { return sign(x); }>("Sign"),
    plain<[](auto x, auto, auto) { return std::sin(x); }>("Sin"),
    plain<[](auto x, auto, auto) { return std::cos(x); }>("Cos"),
    plain<[](auto x, auto, auto) { return std::tan(x); }>("Tan"),
    plain<[](auto x, auto, auto) { return std::asin(x); }>("Asin"),
    plain<[](auto x, auto, auto) { return std::acos(x); }>("Acos"),
    plain<[](auto x, auto, auto) { return std::atan(x); }>("Atan"),
    plain<[](auto x, auto, auto) { return std::sinh(x); }>("Sinh"),
    plain<[](auto x, auto, auto) { return std::cosh(x); }>("Cosh"),
    plain<[](auto x, auto, auto) { return std::asinh(x); }>("Asinh"),
    plain<[](auto x, auto, auto) { return std::acosh(x); }>("Acosh"),
    plain<[](auto x, auto, auto) { return std::atanh(x); }>("Atanh"),
    plain<[](auto x, auto a, auto b) { return shrink(x, a, b); }>("Shrink", "lambd", "bias"),
};

}  // namespace

std::span<const UnaryFunction> unaryFunctions() { return kFunctions; }

}  // namespace Aidge::cpu
