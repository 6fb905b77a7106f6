// Flatten, Reshape, Squeeze, Unsqueeze (copies, unless the planner makes them aliases) and Transpose.
#include <cstdint>
#include <cstring>

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

constexpr std::size_t kTile = 32;

/// target[y * targetStep + x] = source[x * sourceStep + y] for x and y below 4, in registers.
void transposeQuad(const std::uint32_t* source, std::size_t sourceStep, std::uint32_t* target, std::size_t targetStep) {
  using Quad = std::uint32_t __attribute__((vector_size(16)));
  Quad in[4];
  for (std::size_t x = 0; x < 4; ++x) std::memcpy(&in[x], source + x * sourceStep, sizeof(Quad));
  // Written element by element for all compilers; they make interleaving instructions of it.
  const auto low = [](Quad a, Quad b) { return Quad{a[0], b[0], a[1], b[1]}; };
  const auto high = [](Quad a, Quad b) { return Quad{a[2], b[2], a[3], b[3]}; };
  const Quad even[2] = {low(in[0], in[2]), high(in[0], in[2])};
  const Quad odd[2] = {low(in[1], in[3]), high(in[1], in[3])};
  const Quad out[4] = {low(even[0], odd[0]), high(even[0], odd[0]), low(even[1], odd[1]), high(even[1], odd[1])};
  for (std::size_t y = 0; y < 4; ++y) std::memcpy(target + y * targetStep, &out[y], sizeof(Quad));
}

/// The same for x below `columns` and y below `rows`.
template <typename T>
void transposeTile(const T* source, std::size_t sourceStep, T* target, std::size_t targetStep, std::size_t rows, std::size_t columns) {
  std::size_t x = 0;
  if constexpr (sizeof(T) == 4) {
    for (; x + 4 <= columns; x += 4) {
      std::size_t y = 0;
      for (; y + 4 <= rows; y += 4) transposeQuad(source + x * sourceStep + y, sourceStep, target + y * targetStep + x, targetStep);
      for (; y < rows; ++y) {
        for (std::size_t i = x; i < x + 4; ++i) target[y * targetStep + i] = source[i * sourceStep + y];
      }
    }
  }
  for (std::size_t y = 0; y < rows; ++y) {
    for (std::size_t i = x; i < columns; ++i) target[y * targetStep + i] = source[i * sourceStep + y];
  }
}

/// Transposes planes in tiles: along `first` the input is consecutive, along the last axis the output.
template <typename T> void transposeTiles(const TransposePlan& plan, std::size_t first, const T* in, T* out) {
  const std::size_t height = plan.extents[first];
  const std::size_t width = plan.extents.back();
  const std::size_t inputStep = plan.steps.back();
  std::size_t outputStep = 1;
  for (std::size_t axis = first + 1; axis < plan.extents.size(); ++axis) outputStep *= plan.extents[axis];
  const OuterWalk outer(plan, first);
  const std::size_t bands = (height + kTile - 1) / kTile;
  const auto transposeBand = [&](std::size_t item, std::size_t) {
    const auto [from, to] = outer.offsets(item / bands);
    const std::size_t top = item % bands * kTile;
    const std::size_t rows = std::min(kTile, height - top);
    for (std::size_t left = 0; left < width; left += kTile) {
      const std::size_t columns = std::min(kTile, width - left);
      transposeTile(in + from + top + left * inputStep, inputStep, out + to + top * outputStep + left, outputStep, rows, columns);
    }
  };
  forBlocks(outer.count * bands, 1, transposeBand, kParallelFrom / (kTile * width) + 1);
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
