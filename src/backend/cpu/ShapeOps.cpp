// Flatten, Reshape, Squeeze, Unsqueeze (copies, unless the planner makes them aliases) and Transpose.
#include <cstdint>

#include "KernelSupport.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::cpu {

namespace {

/// A transposition with the axes of extent 1 left out and those that stay together joined. One entry an axis of the output.
struct TransposePlan {
  std::vector<std::size_t> extents;
  std::vector<std::size_t> steps;  ///< distance in the input between neighbours along that axis
  std::size_t total = 1;

  TransposePlan(const Dims& dims, std::span<const DimIdx_t> permutation) {
    std::vector<std::size_t> inputSteps(dims.size());
    for (std::size_t axis = dims.size(); axis-- > 0;) {
      inputSteps[axis] = total;
      total *= static_cast<std::size_t>(dims[axis]);
    }
    for (const DimIdx_t axis : permutation) {
      if (dims[axis] != 1) append(static_cast<std::size_t>(dims[axis]), inputSteps[axis]);
    }
    if (extents.empty()) append(1, 1);
  }

  void append(std::size_t extent, std::size_t step) {
    if (!extents.empty() && steps.back() == extent * step) {
      extents.back() *= extent;
      steps.back() = step;
      return;
    }
    extents.push_back(extent);
    steps.push_back(step);
  }

  /// The axis along which the input is consecutive.
  [[nodiscard]] std::size_t consecutiveAxis() const {
    return static_cast<std::size_t>(std::find(steps.begin(), steps.end(), std::size_t{1}) - steps.begin());
  }
};

/// Where the rest of the axes stand: offsets in input and output of item `index` of all axes but `first` and the last.
struct OuterWalk {
  struct Axis {
    std::size_t extent;
    std::size_t inputStep;
    std::size_t outputStep;
  };
  std::vector<Axis> axes;
  std::size_t count = 1;

  OuterWalk(const TransposePlan& plan, std::size_t first) {
    std::size_t outputStep = 1;
    for (std::size_t axis = plan.extents.size(); axis-- > 0;) {
      if (axis != first && axis + 1 != plan.extents.size()) {
        axes.push_back({plan.extents[axis], plan.steps[axis], outputStep});
        count *= plan.extents[axis];
      }
      outputStep *= plan.extents[axis];
    }
  }

  [[nodiscard]] std::pair<std::size_t, std::size_t> offsets(std::size_t index) const {
    std::pair<std::size_t, std::size_t> result{0, 0};
    for (const Axis& axis : axes) {
      result.first += index % axis.extent * axis.inputStep;
      result.second += index % axis.extent * axis.outputStep;
      index /= axis.extent;
    }
    return result;
  }
};

/// Copies rows that are consecutive in both.
template <typename T> void copyRows(const TransposePlan& plan, const T* in, T* out) {
  const std::size_t run = plan.extents.back();
  const OuterWalk outer(plan, plan.extents.size());
  forBlocks(
      outer.count, std::max<std::size_t>(1, kBlock / run),
      [&](std::size_t begin, std::size_t end) {
        for (std::size_t row = begin; row < end; ++row) {
          const auto [from, to] = outer.offsets(row);
          std::copy_n(in + from, run, out + to);
        }
      },
      kParallelFrom / run);
}

/// Transposes planes in tiles: along `first` the input is consecutive, along the last axis the output.
template <typename T> void transposeTiles(const TransposePlan& plan, std::size_t first, const T* in, T* out) {
  constexpr std::size_t kTile = 32;
  const std::size_t height = plan.extents[first];
  const std::size_t width = plan.extents.back();
  const std::size_t inputStep = plan.steps.back();
  std::size_t outputStep = 1;
  for (std::size_t axis = first + 1; axis < plan.extents.size(); ++axis) outputStep *= plan.extents[axis];
  const OuterWalk outer(plan, first);
  const std::size_t bands = (height + kTile - 1) / kTile;
  forBlocks(
      outer.count * bands, 1,
      [&](std::size_t item, std::size_t) {
        const auto [from, to] = outer.offsets(item / bands);
        const std::size_t top = item % bands * kTile;
        const std::size_t rows = std::min(kTile, height - top);
        for (std::size_t left = 0; left < width; left += kTile) {
          const std::size_t columns = std::min(kTile, width - left);
          const T* source = in + from + top + left * inputStep;
          T* target = out + to + top * outputStep + left;
          for (std::size_t y = 0; y < rows; ++y) {
            for (std::size_t x = 0; x < columns; ++x) target[y * outputStep + x] = source[y + x * inputStep];
          }
        }
      },
      kParallelFrom / (kTile * width) + 1);
}

template <typename T> FunctionKernel::Function transposeFunction(const TransposePlan& plan) {
  return [plan](auto inputs, auto outputs, std::byte*) {
    if (plan.total == 0) return;
    const std::size_t first = plan.consecutiveAxis();
    const auto* in = static_cast<const T*>(inputs[0]);
    auto* out = static_cast<T*>(outputs[0]);
    if (first + 1 == plan.extents.size()) return copyRows(plan, in, out);
    transposeTiles(plan, first, in, out);
  };
}

std::unique_ptr<Kernel> createTranspose(const KernelRequest& request) {
  const TensorDesc& input = request.inputs[0];
  const TransposePlan plan(input.dims, resolvePermutation(*request.op, input.dims.size()));
  return std::make_unique<FunctionKernel>(
      "loop_transpose", forElementSize(input.dtype, [&](auto element) { return transposeFunction<decltype(element)>(plan); }));
}

bool addAll() {
  KernelFactory copy;
  copy.inPlace = true;
  copy.create = createCopy;
  for (const std::string type : {"Flatten", "Reshape", "Squeeze", "Unsqueeze"}) KernelRegistry::add("cpu", type, copy);
  KernelFactory transpose;
  transpose.create = createTranspose;
  return KernelRegistry::add("cpu", "Transpose", std::move(transpose));
}

[[maybe_unused]] const bool kRegistered = addAll();

}  // namespace

}  // namespace Aidge::cpu
