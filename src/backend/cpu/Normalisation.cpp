// Normalisations by statistics of the data itself: InstanceNorm, GroupNorm, LayerNorm, RMSNorm. Mean and variance in double, by two passes.
#include <cmath>

#include "Broadcast.hpp"
#include "InFloat.hpp"
#include "KernelSupport.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::cpu {

namespace {

/// Independent sums, which become vector code.
constexpr std::size_t kSums = 8;

template <typename T> double sumOf(const T* in, std::size_t n) {
  double sums[kSums] = {};
  std::size_t i = 0;
  for (; i + kSums <= n; i += kSums) {
    for (std::size_t j = 0; j < kSums; ++j) sums[j] += static_cast<double>(in[i + j]);
  }
  for (; i < n; ++i) sums[0] += static_cast<double>(in[i]);
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

/// Sum of (x - mean)^2.
template <typename T> double squaresOf(const T* in, std::size_t n, double mean) {
  double sums[kSums] = {};
  std::size_t i = 0;
  for (; i + kSums <= n; i += kSums) {
    for (std::size_t j = 0; j < kSums; ++j) {
      const double d = static_cast<double>(in[i + j]) - mean;
      sums[j] += d * d;
    }
  }
  for (; i < n; ++i) sums[0] += (static_cast<double>(in[i]) - mean) * (static_cast<double>(in[i]) - mean);
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

/// out = (in - mean) * factor + term; out may be in.
template <typename T> void affine(const T* in, T* out, std::size_t n, double mean, double factor, double term) {
  const T m = static_cast<T>(mean);
  const T f = static_cast<T>(factor);
  const T t = static_cast<T>(term);
  for (std::size_t i = 0; i < n; ++i) out[i] = (in[i] - m) * f + t;
}

// ---- InstanceNorm, GroupNorm -------------------------------------------------------------------------------------------

struct GroupPlan {
  std::size_t images;
  std::size_t channels;
  std::size_t places = 1;
  std::size_t groupChannels;  ///< channels that are normalised together
  std::size_t parameters[2];  ///< entries of scale and bias: one a channel, or one a group
  double epsilon;
  bool channelsLast;

  explicit GroupPlan(const KernelRequest& request) {
    const TensorDesc& input = request.inputs[0];
    images = static_cast<std::size_t>(input.dims[0]);
    channels = static_cast<std::size_t>(input.dims[1]);
    for (std::size_t axis = 2; axis < input.dims.size(); ++axis) places *= static_cast<std::size_t>(input.dims[axis]);
    const Operator& op = *request.op;
    groupChannels = op.hasAttribute("groups") ? channels / static_cast<std::size_t>(op.attribute<std::int64_t>("groups")) : 1;
    for (const std::size_t i : {0, 1}) parameters[i] = request.inputs[i + 1].elements();
    epsilon = op.attribute<double>("epsilon");
    channelsLast = input.layout == Layout::ChannelsLast;
  }

  /// Index of channel c's scale (0) or bias (1).
  [[nodiscard]] std::size_t parameterOf(std::size_t c, std::size_t which) const { return c * parameters[which] / channels; }
};

template <typename T> void normaliseRow(const GroupPlan& plan, const T* in, const T* scale, const T* bias, T* out, std::size_t row) {
  const std::size_t n = plan.groupChannels * plan.places;
  const double mean = sumOf(in + row * n, n) / static_cast<double>(n);
  const double inverse = 1.0 / std::sqrt(squaresOf(in + row * n, n, mean) / static_cast<double>(n) + plan.epsilon);
  for (std::size_t j = 0; j < plan.groupChannels; ++j) {
    const std::size_t c = row * plan.groupChannels % plan.channels + j;
    const std::size_t at = row * n + j * plan.places;
    affine(in + at, out + at, plan.places, mean, inverse * static_cast<double>(scale[plan.parameterOf(c, 0)]),
           static_cast<double>(bias[plan.parameterOf(c, 1)]));
  }
}

/// Adds up the entries of every group and puts mean(entries) in each of them.
void averageGroups(std::vector<double>& values, std::size_t groupChannels, double count) {
  for (std::size_t first = 0; first < values.size(); first += groupChannels) {
    double sum = 0.0;
    for (std::size_t j = 0; j < groupChannels; ++j) sum += values[first + j];
    for (std::size_t j = 0; j < groupChannels; ++j) values[first + j] = sum / count;
  }
}

/// Channels [first, first + n) of one image whose channels are innermost.
template <typename T>
void normaliseColumns(const GroupPlan& plan, const T* in, const T* scale, const T* bias, T* out, std::size_t first, std::size_t n) {
  std::vector<double> means(n, 0.0);
  std::vector<double> factors(n, 0.0);
  const double count = static_cast<double>(plan.places * plan.groupChannels);
  for (std::size_t p = 0; p < plan.places; ++p) {
    const T* x = in + p * plan.channels + first;
    for (std::size_t c = 0; c < n; ++c) means[c] += static_cast<double>(x[c]);
  }
  averageGroups(means, plan.groupChannels, count);
  for (std::size_t p = 0; p < plan.places; ++p) {
    const T* x = in + p * plan.channels + first;
    for (std::size_t c = 0; c < n; ++c) factors[c] += (static_cast<double>(x[c]) - means[c]) * (static_cast<double>(x[c]) - means[c]);
  }
  averageGroups(factors, plan.groupChannels, count);
  std::vector<T> parameters(3 * n);
  for (std::size_t c = 0; c < n; ++c) {
    parameters[c] = static_cast<T>(means[c]);
    const double inverse = 1.0 / std::sqrt(factors[c] + plan.epsilon);
    parameters[n + c] = static_cast<T>(inverse * static_cast<double>(scale[plan.parameterOf(first + c, 0)]));
    parameters[2 * n + c] = bias[plan.parameterOf(first + c, 1)];
  }
  const T* m = parameters.data();
  for (std::size_t p = 0; p < plan.places; ++p) {
    const T* x = in + p * plan.channels + first;
    T* y = out + p * plan.channels + first;
    for (std::size_t c = 0; c < n; ++c) y[c] = (x[c] - m[c]) * m[n + c] + m[2 * n + c];
  }
}

template <typename T> FunctionKernel::Function groupFunction(const KernelRequest& request) {
  const GroupPlan plan(request);
  // Channels that one thread takes, of whole groups: a cache line at least.
  const std::size_t chunk = std::min(plan.channels, (15 / plan.groupChannels + 1) * plan.groupChannels);
  const std::size_t chunks = plan.channelsLast ? (plan.channels + chunk - 1) / chunk : plan.channels / plan.groupChannels;
  return [=](auto inputs, auto outputs, std::byte*) {
    const auto* in = static_cast<const T*>(inputs[0]);
    const auto* scale = static_cast<const T*>(inputs[1]);
    const auto* bias = static_cast<const T*>(inputs[2]);
    auto* out = static_cast<T*>(outputs[0]);
    const std::size_t image = plan.channels * plan.places;
    forBlocks(
        plan.images * chunks, 1,
        [&](std::size_t item, std::size_t) {
          if (!plan.channelsLast) return normaliseRow(plan, in, scale, bias, out, item);
          const std::size_t first = item % chunks * chunk;
          const std::size_t at = item / chunks * image;
          normaliseColumns(plan, in + at, scale, bias, out + at, first, std::min(chunk, plan.channels - first));
        },
        plan.images * image >= kParallelFrom ? 2 : plan.images * chunks + 1);
  };
}

// ---- LayerNorm, RMSNorm --------------------------------------------------------------------------------------------------

struct RowPlan {
  std::size_t rows = 1;
  std::size_t n = 1;
  double epsilon;
  bool centres;  ///< LayerNorm
  bool hasBias;
  Broadcast walk;  ///< scale (and bias) over the output

  RowPlan(const KernelRequest& request, bool centred)
      : epsilon(request.op->attribute<double>("epsilon")),
        centres(centred),
        hasBias(request.inputs.size() > 2 && request.present[2]),
        walk(std::span(request.inputs).subspan(1, hasBias ? 2 : 1), request.outputs[0]) {
    const Dims& dims = request.inputs[0].dims;
    const DimIdx_t axis = normaliseAxis(errorSite(*request.op), request.op->attribute<std::int64_t>("axis"), dims.size());
    for (std::size_t i = 0; i < dims.size(); ++i) (i < axis ? rows : n) *= static_cast<std::size_t>(dims[i]);
  }
};

template <typename T> FunctionKernel::Function rowFunction(const KernelRequest& request, bool centres) {
  return [plan = RowPlan(request, centres)](auto inputs, auto outputs, std::byte*) {
    const auto* in = static_cast<const T*>(inputs[0]);
    const auto* scale = static_cast<const T*>(inputs[1]);
    const auto* bias = plan.hasBias ? static_cast<const T*>(inputs[2]) : nullptr;
    auto* out = static_cast<T*>(outputs[0]);
    const auto normalise = [&](std::size_t row) {
      const T* x = in + row * plan.n;
      const double mean = plan.centres ? sumOf(x, plan.n) / static_cast<double>(plan.n) : 0.0;
      const double inverse = 1.0 / std::sqrt(squaresOf(x, plan.n, mean) / static_cast<double>(plan.n) + plan.epsilon);
      affine(x, out + row * plan.n, plan.n, mean, inverse, 0.0);
      plan.walk.forRuns(row * plan.n, (row + 1) * plan.n, [&](std::size_t o, const Broadcast::Offsets& at, std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) out[o + i] *= scale[at[0] + i * plan.walk.step(0)];
        for (std::size_t i = 0; bias != nullptr && i < n; ++i) out[o + i] += bias[at[1] + i * plan.walk.step(1)];
      });
      if (!plan.centres) return;
      static_cast<T*>(outputs[1])[row] = static_cast<T>(mean);
      static_cast<T*>(outputs[2])[row] = static_cast<T>(inverse);
    };
    forBlocks(
        plan.rows, std::max<std::size_t>(1, kBlock / std::max<std::size_t>(plan.n, 1)),
        [&](std::size_t begin, std::size_t end) {
          for (std::size_t row = begin; row < end; ++row) normalise(row);
        },
        kParallelFrom / std::max<std::size_t>(plan.n, 1));
  };
}

template <typename Make> bool addNormalisation(const std::string& type, LayoutRule layout, bool inPlace, Make make) {
  KernelFactory factory;
  factory.layout = layout;
  factory.inPlace = inPlace;
  factory.create = [make](const KernelRequest& request) {
    return createForReals(request, [make]<typename T>(const KernelRequest& own) -> std::unique_ptr<Kernel> {
      return std::make_unique<FunctionKernel>("loop_normalisation", make.template operator()<T>(own));
    });
  };
  return KernelRegistry::add("cpu", type, std::move(factory));
}

constexpr auto kGroups = []<typename T>(const KernelRequest& request) { return groupFunction<T>(request); };
constexpr auto kCentredRows = []<typename T>(const KernelRequest& request) { return rowFunction<T>(request, true); };
constexpr auto kRows = []<typename T>(const KernelRequest& request) { return rowFunction<T>(request, false); };

[[maybe_unused]] const bool kNormalisationRegistered = addNormalisation("InstanceNorm", LayoutRule::SameAsInput, true, kGroups) &&
                                                       addNormalisation("GroupNorm", LayoutRule::SameAsInput, true, kGroups) &&
                                                       addNormalisation("LayerNorm", LayoutRule::PlainOnly, false, kCentredRows) &&
                                                       addNormalisation("RMSNorm", LayoutRule::PlainOnly, true, kRows);

}  // namespace

}  // namespace Aidge::cpu
