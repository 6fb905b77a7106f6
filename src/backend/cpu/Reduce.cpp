// ReduceMean over any axes, summed in double.
#include "KernelSupport.hpp"
#include "aidge/backend/cpu/VectorLoops.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::cpu {

namespace {

/// A mixed-radix counter: offset of item `index` of some axes.
struct OffsetWalk {
  std::vector<std::pair<std::size_t, std::size_t>> axes;  ///< (extent, step), innermost first
  std::size_t count = 1;

  void prepend(std::size_t extent, std::size_t step) {
    axes.emplace_back(extent, step);
    count *= extent;
  }
  [[nodiscard]] std::size_t offset(std::size_t index) const {
    std::size_t result = 0;
    for (const auto& [extent, step] : axes) {
      result += index % extent * step;
      index /= extent;
    }
    return result;
  }
};

/// Rows along the innermost axes that are all reduced or all kept; the other axes as walks over kept and reduced ones.
struct ReducePlan {
  OffsetWalk kept;
  OffsetWalk reduced;
  std::size_t row = 1;
  bool rowIsReduced = false;
  std::size_t total = 1;

  explicit ReducePlan(const KernelRequest& request) {
    const TensorDesc& input = request.inputs[0];
    const std::size_t rank = input.dims.size();
    std::vector<bool> isReduced(rank, false);
    for (const DimIdx_t axis : resolveReducedAxes(*request.op, rank)) isReduced[storedAxis(axis, rank, input.layout)] = true;
    const Dims dims = storedDims(input);
    bool inRow = true;
    for (std::size_t axis = rank; axis-- > 0;) {
      const auto extent = static_cast<std::size_t>(dims[axis]);
      if (extent != 1) {
        if (row == 1 && inRow) rowIsReduced = isReduced[axis];
        inRow = inRow && isReduced[axis] == rowIsReduced;
        if (inRow) {
          row *= extent;
        } else {
          (isReduced[axis] ? reduced : kept).prepend(extent, total);
        }
      }
      total *= extent;
    }
  }

  [[nodiscard]] double count() const { return static_cast<double>(reduced.count * (rowIsReduced ? row : 1)); }
};

void meanOfRows(const ReducePlan& plan, const float* in, float* out, std::size_t begin, std::size_t end) {
  for (std::size_t k = begin; k < end; ++k) {
    double sum = 0.0;
    for (std::size_t r = 0; r < plan.reduced.count; ++r)
      sum += vectorLoops().sum(in + plan.kept.offset(k) + plan.reduced.offset(r), plan.row);
    out[k] = static_cast<float>(sum / plan.count());
  }
}

void meanOfColumns(const ReducePlan& plan, const float* in, float* out, std::size_t begin, std::size_t end) {
  std::vector<double> sums(plan.row);
  for (std::size_t k = begin; k < end; ++k) {
    std::fill(sums.begin(), sums.end(), 0.0);
    for (std::size_t r = 0; r < plan.reduced.count; ++r) {
      vectorLoops().accumulate(in + plan.kept.offset(k) + plan.reduced.offset(r), sums.data(), plan.row);
    }
    for (std::size_t i = 0; i < plan.row; ++i) out[k * plan.row + i] = static_cast<float>(sums[i] / plan.count());
  }
}

void reduceMean(const ReducePlan& plan, const float* in, float* out) {
  const std::size_t share = std::max<std::size_t>(1, plan.total / std::max<std::size_t>(1, plan.kept.count));
  const std::size_t block = std::max<std::size_t>(1, kBlock / share);
  forBlocks(
      plan.kept.count, block,
      [&](std::size_t begin, std::size_t end) { (plan.rowIsReduced ? meanOfRows : meanOfColumns)(plan, in, out, begin, end); },
      kParallelFrom / share);
}

bool addReduceMean() {
  KernelFactory factory;
  factory.layout = LayoutRule::SameAsInput;
  factory.unsupported = [](const Operator&, std::span<const TensorInfo> inputs) { return refuseOtherTypes(inputs, {DataType::Float32}); };
  factory.create = [](const KernelRequest& request) {
    return std::make_unique<FunctionKernel>("loop_mean", [plan = ReducePlan(request)](auto inputs, auto outputs, std::byte*) {
      reduceMean(plan, static_cast<const float*>(inputs[0]), static_cast<float*>(outputs[0]));
    });
  };
  return KernelRegistry::add("cpu", "ReduceMean", std::move(factory));
}

[[maybe_unused]] const bool kRegistered = addReduceMean();

}  // namespace

}  // namespace Aidge::cpu
