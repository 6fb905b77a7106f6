// QuantizeLinear and DequantizeLinear, in the arithmetic of ONNX Runtime: float32, ties to even.
#include <limits>
#include <type_traits>

#include "KernelSupport.hpp"

namespace Aidge::cpu {

namespace {

/// Which scale belongs to an element: element i in memory has scale i / inner % count.
struct ScaleOrder {
  std::size_t total = 0;
  std::size_t count = 1;
  std::size_t inner = 1;

  explicit ScaleOrder(const KernelRequest& request) : total(request.inputs[0].elements()), count(request.inputs[1].elements()) {
    if (count == 1) return;
    const std::size_t rank = request.inputs[0].dims.size();
    const std::int64_t given = request.op->attribute<std::int64_t>("axis");  // shape inference has checked it
    const auto axis = static_cast<std::size_t>(given < 0 ? given + static_cast<std::int64_t>(rank) : given);
    const Dims stored = storedDims(request.inputs[0]);
    for (std::size_t i = storedAxis(axis, rank, request.inputs[0].layout) + 1; i < rank; ++i) inner *= static_cast<std::size_t>(stored[i]);
  }

  /// Calls body(begin, end, scale) for runs of elements with one scale, on several threads.
  template <typename Body> void forRuns(const Body& body) const {
    forBlocks(total, kBlock, [&](std::size_t begin, std::size_t end) {
      if (count == 1) return body(begin, end, std::size_t{0});
      while (begin < end) {
        const std::size_t stop = std::min(end, (begin / inner + 1) * inner);
        body(begin, stop, begin / inner % count);
        begin = stop;
      }
    });
  }
};

/// Rounds to the nearest whole number, ties to even; right for |x| < 2^22, which 16 bits are within. A sum, so that compilers make vectors of it.
float rounded(float x) {
  constexpr float kShift = 12582912.0F;  // 1.5 * 2^23
  return (x + kShift) - kShift;
}

template <typename T> FunctionKernel::Function quantizeFunction(const ScaleOrder& order) {
  return [order](auto inputs, auto outputs, std::byte*) {
    const auto* in = static_cast<const float*>(inputs[0]);
    const auto* scales = static_cast<const float*>(inputs[1]);
    const auto* zeros = inputs.size() > 2 ? static_cast<const T*>(inputs[2]) : nullptr;
    auto* out = static_cast<T*>(outputs[0]);
    order.forRuns([&](std::size_t begin, std::size_t end, std::size_t place) {
      const float scale = scales[place];
      const auto zero = static_cast<float>(zeros != nullptr ? zeros[place] : T{0});
      const float low = static_cast<float>(std::numeric_limits<T>::lowest()) - zero;
      const float high = static_cast<float>(std::numeric_limits<T>::max()) - zero;
      for (std::size_t i = begin; i < end; ++i) {
        const float steps = in[i] / scale;
        const float above = steps > low ? steps : low;  // NaN becomes the lowest value
        out[i] = static_cast<T>(static_cast<std::int32_t>(rounded(above < high ? above : high) + zero));
      }
    });
  };
}

template <typename T> FunctionKernel::Function dequantizeFunction(const ScaleOrder& order) {
  using Wide = std::conditional_t<sizeof(T) == 4, std::int64_t, std::int32_t>;
  return [order](auto inputs, auto outputs, std::byte*) {
    const auto* in = static_cast<const T*>(inputs[0]);
    const auto* scales = static_cast<const float*>(inputs[1]);
    const auto* zeros = inputs.size() > 2 ? static_cast<const T*>(inputs[2]) : nullptr;
    auto* out = static_cast<float*>(outputs[0]);
    order.forRuns([&](std::size_t begin, std::size_t end, std::size_t place) {
      const float scale = scales[place];
      const Wide zero = zeros != nullptr ? Wide{zeros[place]} : Wide{0};
      for (std::size_t i = begin; i < end; ++i) out[i] = static_cast<float>(Wide{in[i]} - zero) * scale;
    });
  };
}

/// make(T{}) with the C++ type of the integers.
template <typename Make> FunctionKernel::Function forSteps(DataType type, const Make& make) {
  switch (type) {
    case DataType::Int8:
      return make(std::int8_t{});
    case DataType::UInt8:
      return make(std::uint8_t{});
    case DataType::Int16:
      return make(std::int16_t{});
    case DataType::UInt16:
      return make(std::uint16_t{});
    default:
      return make(std::int32_t{});
  }
}

std::unique_ptr<Kernel> createQuantize(const KernelRequest& request) {
  const ScaleOrder order(request);
  return std::make_unique<FunctionKernel>(
      "loop_quantize", forSteps(request.outputs[0].dtype, [&](auto step) { return quantizeFunction<decltype(step)>(order); }));
}

std::unique_ptr<Kernel> createDequantize(const KernelRequest& request) {
  const ScaleOrder order(request);
  return std::make_unique<FunctionKernel>(
      "loop_dequantize", forSteps(request.inputs[0].dtype, [&](auto step) { return dequantizeFunction<decltype(step)>(order); }));
}

bool addQuantizeKernels() {
  KernelFactory factory;
  factory.layout = LayoutRule::SameAsInput;
  factory.create = createQuantize;
  KernelRegistry::add("cpu", "QuantizeLinear", factory);
  factory.create = createDequantize;
  return KernelRegistry::add("cpu", "DequantizeLinear", std::move(factory));
}

[[maybe_unused]] const bool kQuantizeKernelsRegistered = addQuantizeKernels();

}  // namespace

}  // namespace Aidge::cpu
