// Local response normalisation across channels: y = x / (bias + alpha / size * sum of x^2 over the window)^beta.
#include <cmath>

#include "InFloat.hpp"
#include "KernelSupport.hpp"

namespace Aidge::cpu {

namespace {

struct LrnPlan {
  ChannelOrder order;
  std::size_t before;  ///< channels of the window below the middle one: floor((size - 1) / 2)
  std::size_t after;   ///< above: ceil((size - 1) / 2)
  float factor;
  float beta;
  float bias;

  explicit LrnPlan(const KernelRequest& request) : order(request.inputs[0].dims, request.inputs[0].layout) {
    const Operator& op = *request.op;
    const auto size = static_cast<std::size_t>(op.attribute<std::int64_t>("size"));
    before = (size - 1) / 2;
    after = size / 2;
    factor = static_cast<float>(op.attribute<double>("alpha") / static_cast<double>(size));
    beta = static_cast<float>(op.attribute<double>("beta"));
    bias = static_cast<float>(op.attribute<double>("bias"));
  }
};

/// Divides by base^beta.
void normalise(const float* in, const float* base, float beta, float* out, std::size_t n) {
  if (beta == 0.75F) {
    for (std::size_t i = 0; i < n; ++i) out[i] = in[i] / (std::sqrt(base[i]) * std::sqrt(std::sqrt(base[i])));
  } else {
    for (std::size_t i = 0; i < n; ++i) out[i] = in[i] / std::pow(base[i], beta);
  }
}

/// Channels innermost: one place after the other.
void lrnPlace(const LrnPlan& plan, const float* in, float* out, float* base) {
  const std::size_t channels = plan.order.channels;
  double window = 0.0;
  for (std::size_t c = 0; c < std::min(plan.after, channels); ++c) window += static_cast<double>(in[c]) * in[c];
  for (std::size_t c = 0; c < channels; ++c) {
    if (c + plan.after < channels) window += static_cast<double>(in[c + plan.after]) * in[c + plan.after];
    base[c] = plan.bias + plan.factor * static_cast<float>(window);
    if (c >= plan.before) window -= static_cast<double>(in[c - plan.before]) * in[c - plan.before];
  }
  normalise(in, base, plan.beta, out, channels);
}

/// `n` places of one image whose channels lie `inner` apart: channel after channel, with a running window a place.
void lrnPlaces(const LrnPlan& plan, const float* in, float* out, std::size_t n, std::vector<double>& window, float* base) {
  const std::size_t channels = plan.order.channels;
  const std::size_t inner = plan.order.inner;
  const auto add = [&](std::size_t c, double sign) {
    for (std::size_t i = 0; i < n; ++i) window[i] += sign * static_cast<double>(in[c * inner + i]) * in[c * inner + i];
  };
  window.assign(n, 0.0);
  for (std::size_t c = 0; c < std::min(plan.after, channels); ++c) add(c, 1.0);
  for (std::size_t c = 0; c < channels; ++c) {
    if (c + plan.after < channels) add(c + plan.after, 1.0);
    for (std::size_t i = 0; i < n; ++i) base[i] = plan.bias + plan.factor * static_cast<float>(window[i]);
    if (c >= plan.before) add(c - plan.before, -1.0);
    normalise(in + c * inner, base, plan.beta, out + c * inner, n);
  }
}

void lrn(const LrnPlan& plan, const float* in, float* out) {
  const ChannelOrder& order = plan.order;
  if (order.total == 0) return;
  if (order.inner == 1) {
    const std::size_t block = std::max<std::size_t>(1, kBlock / order.channels);
    forBlocks(
        order.total / order.channels, block,
        [&](std::size_t begin, std::size_t end) {
          std::vector<float> base(order.channels);
          for (std::size_t i = begin; i < end; ++i) lrnPlace(plan, in + i * order.channels, out + i * order.channels, base.data());
        },
        kParallelFrom / order.channels);
    return;
  }
  constexpr std::size_t kPlaces = 256;
  const std::size_t image = order.channels * order.inner;
  const std::size_t pieces = (order.inner + kPlaces - 1) / kPlaces;
  forBlocks(
      order.total / image * pieces, 1,
      [&](std::size_t item, std::size_t) {
        std::vector<double> window;
        std::vector<float> base(kPlaces);
        const std::size_t first = item % pieces * kPlaces;
        const std::size_t offset = item / pieces * image + first;
        lrnPlaces(plan, in + offset, out + offset, std::min(kPlaces, order.inner - first), window, base.data());
      },
      2);
}

std::unique_ptr<Kernel> createLrn(const KernelRequest& request) {
  return std::make_unique<FunctionKernel>("loop_lrn", [plan = LrnPlan(request)](auto inputs, auto outputs, std::byte*) {
    lrn(plan, static_cast<const float*>(inputs[0]), static_cast<float*>(outputs[0]));
  });
}

bool addLrn() {
  KernelFactory factory;
  factory.layout = LayoutRule::SameAsInput;
  factory.create = [](const KernelRequest& request) {
    return request.inputs[0].dtype == DataType::Float32 ? createLrn(request) : createInFloat(request, createLrn);
  };
  return KernelRegistry::add("cpu", "LRN", std::move(factory));
}

[[maybe_unused]] const bool kLRNRegistered = addLrn();

}  // namespace

}  // namespace Aidge::cpu
