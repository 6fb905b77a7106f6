#include "aidge/statistics/SignBalance.hpp"

#include <cmath>

namespace Aidge::statistics {

namespace {

template <typename T> void addAll(SignBalance& balance, std::span<const T> values, double upper) noexcept {
  double neg = 0.0;
  double pos = 0.0;
  for (const T element : values) {
    const auto value = static_cast<double>(element);
    neg += value < 0.0 ? -value : (value > upper ? value - upper : 0.0);
    pos += value < 0.0 ? 0.0 : value;
  }
  balance.neg += neg;
  balance.pos += pos;
}

}  // namespace

void SignBalance::add(double value, double upper) noexcept { addAll<double>(*this, {&value, 1}, upper); }
void SignBalance::add(std::span<const float> values, double upper) noexcept { addAll(*this, values, upper); }
void SignBalance::add(std::span<const double> values, double upper) noexcept { addAll(*this, values, upper); }

void SignBalance::merge(const SignBalance& other) noexcept {
  neg += other.neg;
  pos += other.pos;
}

double SignBalance::value() const noexcept {
  constexpr double eps = std::numeric_limits<double>::epsilon();
  return (neg + eps) / (pos + eps);
}

bool SignBalance::isFinite() const noexcept { return std::isfinite(neg) && std::isfinite(pos); }

}  // namespace Aidge::statistics
