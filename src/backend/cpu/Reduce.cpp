// Sums, means, extremes, products and norms over any axes: floating point in double, integers in 64 bits.
#include <cmath>
#include <concepts>
#include <limits>

#include "KernelSupport.hpp"
#include "VectorLoops.hpp"
#include "aidge/data/Convert.hpp"
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

// ---- what is reduced how -----------------------------------------------------------------------------------------------

enum class Reduction : std::uint8_t { Sum, Mean, Max, Min, Prod, L1, L2, LogSum, LogSumExp, SumSquare };
using enum Reduction;

/// Type of the running result.
template <Reduction R, typename T> struct RunningType {
  static constexpr bool kIsReal = !std::integral<T> || R == L2 || R == LogSum || R == LogSumExp;
  using type = std::conditional_t<kIsReal, double, std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>;
};
template <Reduction R, typename T> using Running = typename RunningType<R, T>::type;

/// Integers wrap round.
template <typename A> A plus(A a, A b) {
  if constexpr (std::integral<A>) return static_cast<A>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
  if constexpr (!std::integral<A>) return a + b;
}
template <typename A> A times(A a, A b) {
  if constexpr (std::integral<A>) return static_cast<A>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
  if constexpr (!std::integral<A>) return a * b;
}

/// Result for no elements; of an extreme the one that everything beats.
template <Reduction R, typename T> Running<R, T> start() {
  using A = Running<R, T>;
  if constexpr (R == Prod) return A{1};
  if constexpr (R == Max || R == Min) {
    if constexpr (!std::integral<T>) return R == Max ? -std::numeric_limits<A>::infinity() : std::numeric_limits<A>::infinity();
    if constexpr (std::integral<T>) return A{R == Max ? std::numeric_limits<T>::lowest() : std::numeric_limits<T>::max()};
  }
  return A{0};
}

/// One more element; `most` is the largest one where R needs it.
template <Reduction R, typename A> A step(A total, A x, [[maybe_unused]] A most) {
  if constexpr (R == Max) return x > total || x != x ? x : total;
  if constexpr (R == Min) return x < total || x != x ? x : total;
  if constexpr (R == Prod) return times(total, x);
  if constexpr (R == L1) return plus(total, x < A{0} ? times(x, static_cast<A>(-1)) : x);
  if constexpr (R == L2 || R == SumSquare) return plus(total, times(x, x));
  if constexpr (R == LogSumExp) return total + std::exp(x - most);
  return plus(total, x);
}

template <Reduction R, typename A> A finish(A total, [[maybe_unused]] double count, [[maybe_unused]] A most) {
  if constexpr (R == Mean) return static_cast<A>(std::integral<A> ? total / static_cast<A>(count) : total / count);
  if constexpr (R == L2) return std::sqrt(total);
  if constexpr (R == LogSum) return std::log(total);
  if constexpr (R == LogSumExp) return std::log(total) + most;
  return total;
}

// ---- walking -------------------------------------------------------------------------------------------------------------

template <Reduction R> constexpr bool kNeedsMost = R == LogSumExp;

/// Calls visit(p, n) for the runs that are reduced to the kept item `k` (and to those beside it, where rows are kept).
template <typename T, typename Visit> void forReduced(const ReducePlan& plan, const T* in, std::size_t k, const Visit& visit) {
  for (std::size_t r = 0; r < plan.reduced.count; ++r) visit(in + plan.kept.offset(k) + plan.reduced.offset(r), plan.row);
}

/// What the exponents are taken relative to: 0 where the largest value is not finite.
template <typename A> A offsetOf(A most) { return std::isfinite(static_cast<double>(most)) ? most : A{0}; }

template <Reduction R, typename T> void reduceRows(const ReducePlan& plan, const T* in, T* out, std::size_t begin, std::size_t end) {
  using A = Running<R, T>;
  for (std::size_t k = begin; k < end; ++k) {
    A most{0};
    if constexpr (kNeedsMost<R>) {
      most = start<Max, float>();
      forReduced(plan, in, k, [&](const T* p, std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) most = step<Max, A>(most, static_cast<A>(p[i]), A{0});
      });
      most = offsetOf(most);
    }
    A total = start<R, T>();
    forReduced(plan, in, k, [&](const T* p, std::size_t n) {
      if constexpr (std::same_as<T, float> && (R == Sum || R == Mean)) {
        total += vectorLoops().sum(p, n);
      } else {
        for (std::size_t i = 0; i < n; ++i) total = step<R, A>(total, static_cast<A>(p[i]), most);
      }
    });
    out[k] = convertTo<T>(finish<R, A>(total, plan.count(), most));
  }
}

template <Reduction R, typename T> void reduceColumns(const ReducePlan& plan, const T* in, T* out, std::size_t begin, std::size_t end) {
  using A = Running<R, T>;
  std::vector<A> totals(plan.row);
  std::vector<A> most(plan.row, A{0});
  for (std::size_t k = begin; k < end; ++k) {
    if constexpr (kNeedsMost<R>) {
      std::fill(most.begin(), most.end(), start<Max, float>());
      forReduced(plan, in, k, [&](const T* p, std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) most[i] = step<Max, A>(most[i], static_cast<A>(p[i]), A{0});
      });
      std::transform(most.begin(), most.end(), most.begin(), offsetOf<A>);
    }
    std::fill(totals.begin(), totals.end(), start<R, T>());
    forReduced(plan, in, k, [&](const T* p, std::size_t n) {
      if constexpr (std::same_as<T, float> && (R == Sum || R == Mean)) {
        vectorLoops().accumulate(p, totals.data(), n);
      } else {
        for (std::size_t i = 0; i < n; ++i) totals[i] = step<R, A>(totals[i], static_cast<A>(p[i]), most[i]);
      }
    });
    for (std::size_t i = 0; i < plan.row; ++i) out[k * plan.row + i] = convertTo<T>(finish<R, A>(totals[i], plan.count(), most[i]));
  }
}

template <Reduction R, typename T> void reduce(const ReducePlan& plan, const T* in, T* out) {
  const std::size_t share = std::max<std::size_t>(1, plan.total / std::max<std::size_t>(1, plan.kept.count));
  const std::size_t block = std::max<std::size_t>(1, kBlock / share);
  forBlocks(
      plan.kept.count, block,
      [&](std::size_t begin, std::size_t end) { (plan.rowIsReduced ? reduceRows<R, T> : reduceColumns<R, T>)(plan, in, out, begin, end); },
      kParallelFrom / share);
}

template <Reduction R> bool addReduce(const std::string& type) {
  KernelFactory factory;
  factory.layout = LayoutRule::SameAsInput;
  factory.create = [](const KernelRequest& request) -> std::unique_ptr<Kernel> {
    return withType(request.inputs[0].dtype, [&]<typename T>() -> std::unique_ptr<Kernel> {
      using Stored = std::conditional_t<std::same_as<T, bool>, std::uint8_t, T>;  // the extremes of truth values are those of 0 and 1
      return std::make_unique<FunctionKernel>("loop_reduce", [plan = ReducePlan(request)](auto inputs, auto outputs, std::byte*) {
        reduce<R, Stored>(plan, static_cast<const Stored*>(inputs[0]), static_cast<Stored*>(outputs[0]));
      });
    });
  };
  return KernelRegistry::add("cpu", type, std::move(factory));
}

[[maybe_unused]] const bool kReduceRegistered =
    addReduce<Sum>("ReduceSum") && addReduce<Mean>("ReduceMean") && addReduce<Max>("ReduceMax") && addReduce<Min>("ReduceMin") &&
    addReduce<Prod>("ReduceProd") && addReduce<L1>("ReduceL1") && addReduce<L2>("ReduceL2") && addReduce<LogSum>("ReduceLogSum") &&
    addReduce<LogSumExp>("ReduceLogSumExp") && addReduce<SumSquare>("ReduceSumSquare");

}  // namespace

}  // namespace Aidge::cpu
