// Pad in all modes, any type and layout: one table of source indices an axis.
#include <cstdint>
#include <cstring>

#include "KernelSupport.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::cpu {

namespace {

constexpr std::ptrdiff_t kOutside = -1;

/// Index in [0, extent) that `position`, which may lie outside, is filled from; kOutside for the constant.
std::ptrdiff_t sourceIndex(std::ptrdiff_t position, std::ptrdiff_t extent, const std::string& mode) {
  if (position >= 0 && position < extent) return position;
  if (mode == "constant") return kOutside;
  if (mode == "edge") return position < 0 ? 0 : extent - 1;
  const std::ptrdiff_t period = mode == "wrap" ? extent : std::max<std::ptrdiff_t>(1, 2 * (extent - 1));
  const std::ptrdiff_t phase = ((position % period) + period) % period;
  return phase < extent ? phase : period - phase;
}

/// What is needed of one axis, in memory order.
struct PadAxis {
  std::vector<std::ptrdiff_t> sources;  ///< one an output index
  std::size_t step = 1;                 ///< elements between neighbours in the input
};

struct PadPlan {
  std::vector<PadAxis> axes;
  std::size_t bodyBegin = 0;  ///< output indices of the innermost axis that are filled from consecutive inputs
  std::size_t bodyEnd = 0;
  std::size_t rows = 1;  ///< innermost rows of the output

  explicit PadPlan(const KernelRequest& request) {
    const TensorDesc& input = request.inputs[0];
    const std::size_t rank = input.dims.size();
    const AxisPads pads = resolvePads(*request.op, listArgument(*request.op, request.infos(), 1), rank);
    const auto& mode = request.op->attribute<std::string>("mode");
    axes.resize(std::max<std::size_t>(rank, 1));
    if (rank == 0) axes[0].sources = {0};
    for (std::size_t axis = 0; axis < rank; ++axis) {
      PadAxis& stored = axes[storedAxis(axis, rank, input.layout)];
      stored.sources.resize(static_cast<std::size_t>(request.outputs[0].dims[axis]));
      for (std::size_t i = 0; i < stored.sources.size(); ++i) {
        stored.sources[i] = sourceIndex(static_cast<std::ptrdiff_t>(i) - pads.begin[axis], input.dims[axis], mode);
      }
    }
    const Dims dims = storedDims(input);
    for (std::size_t axis = rank; axis-- > 1;) axes[axis - 1].step = axes[axis].step * static_cast<std::size_t>(dims[axis]);
    for (std::size_t axis = 0; axis + 1 < axes.size(); ++axis) rows *= axes[axis].sources.size();
    findBody();
  }

  void findBody() {
    const auto& inner = axes.back().sources;
    bodyBegin =
        static_cast<std::size_t>(std::find_if(inner.begin(), inner.end(), [](std::ptrdiff_t i) { return i != kOutside; }) - inner.begin());
    bodyEnd = bodyBegin == inner.size() ? bodyBegin : bodyBegin + 1;
    while (bodyEnd < inner.size() && inner[bodyEnd] == inner[bodyEnd - 1] + 1) ++bodyEnd;
  }

  /// Offset of the input row that output row `row` is filled from; kOutside for the constant.
  [[nodiscard]] std::ptrdiff_t rowOffset(std::size_t row) const {
    std::ptrdiff_t offset = 0;
    for (std::size_t axis = axes.size() - 1; axis-- > 0;) {
      const auto& sources = axes[axis].sources;
      const std::ptrdiff_t source = sources[row % sources.size()];
      if (source == kOutside) return kOutside;
      offset += source * static_cast<std::ptrdiff_t>(axes[axis].step);
      row /= sources.size();
    }
    return offset;
  }
};

template <typename T> void padRow(const PadPlan& plan, const T* source, T* target, T value) {
  const auto& inner = plan.axes.back().sources;
  for (std::size_t i = 0; i < plan.bodyBegin; ++i) target[i] = inner[i] == kOutside ? value : source[inner[i]];
  if (plan.bodyEnd > plan.bodyBegin) std::copy_n(source + inner[plan.bodyBegin], plan.bodyEnd - plan.bodyBegin, target + plan.bodyBegin);
  for (std::size_t i = plan.bodyEnd; i < inner.size(); ++i) target[i] = inner[i] == kOutside ? value : source[inner[i]];
}

template <typename T> FunctionKernel::Function padFunction(const PadPlan& plan, T value) {
  return [plan, value](auto inputs, auto outputs, std::byte*) {
    const auto* in = static_cast<const T*>(inputs[0]);
    auto* out = static_cast<T*>(outputs[0]);
    const std::size_t width = plan.axes.back().sources.size();
    if (width == 0) return;
    forBlocks(
        plan.rows, std::max<std::size_t>(1, kBlock / width),
        [&](std::size_t begin, std::size_t end) {
          for (std::size_t row = begin; row < end; ++row) {
            const std::ptrdiff_t offset = plan.rowOffset(row);
            if (offset == kOutside) {
              std::fill_n(out + row * width, width, value);
            } else {
              padRow(plan, in + offset, out + row * width, value);
            }
          }
        },
        kParallelFrom / width);
  };
}

std::unique_ptr<Kernel> createPad(const KernelRequest& request) {
  const PadPlan plan(request);
  const Tensor value = Tensor::full({1}, request.op->attribute<double>("value"), request.inputs[0].dtype);
  return std::make_unique<FunctionKernel>("loop_pad", forElementSize(request.inputs[0].dtype, [&](auto element) {
                                            std::memcpy(&element, value.rawData(), sizeof element);
                                            return padFunction(plan, element);
                                          }));
}

bool addPad() {
  KernelFactory factory;
  factory.layout = LayoutRule::SameAsInput;
  factory.create = createPad;
  return KernelRegistry::add("cpu", "Pad", std::move(factory));
}

[[maybe_unused]] const bool kPadRegistered = addPad();

}  // namespace

}  // namespace Aidge::cpu
