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

// ---- elements ------------------------------------------------------------------------------------------------------------

/// Elements that are read at a time where they have to be converted first.
constexpr std::size_t kReducePiece = 256;

/// How the elements of a tensor become values of type T (float, or the running type A), and how results become elements. The loops are compiled for
/// few types T, those of other elements read them in pieces: 130 loops of their own would take half a minute to compile.
template <typename T, typename A> struct Elements {
  std::size_t size = sizeof(T);
  void (*load)(const std::byte* in, std::size_t n, T* values) = nullptr;  ///< nullptr: they are of type T
  void (*store)(A value, std::byte* out) = nullptr;
  A start{};  ///< the result for no elements
};

template <typename Stored, typename T> void loadElements(const std::byte* in, std::size_t n, T* values) {
  const auto* elements = reinterpret_cast<const Stored*>(in);
  for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<T>(elements[i]);
}

template <typename Stored, typename A> void storeElement(A value, std::byte* out) {
  *reinterpret_cast<Stored*>(out) = convertTo<Stored>(value);
}

/// Writes one result. That of floats is inlined: where few elements are reduced, there are many results.
template <typename T, typename A> void put(const Elements<T, A>& elements, A value, std::byte* out) {
  if constexpr (std::same_as<T, float>) *reinterpret_cast<float*>(out) = convertTo<float>(value);
  if constexpr (!std::same_as<T, float>) elements.store(value, out);
}

// ---- walking -------------------------------------------------------------------------------------------------------------

template <Reduction R> constexpr bool kNeedsMost = R == LogSumExp;

/// Calls visit(p, n, first) for the runs that are reduced to the kept item `k` (and to those beside it, where rows are kept); p[0] is the element
/// `first` of its row.
template <typename T, typename A, typename Visit>
void forReduced(const ReducePlan& plan, const Elements<T, A>& elements, const std::byte* in, std::size_t k, const Visit& visit) {
  for (std::size_t r = 0; r < plan.reduced.count; ++r) {
    const std::byte* row = in + (plan.kept.offset(k) + plan.reduced.offset(r)) * elements.size;
    if (!elements.load) {
      visit(reinterpret_cast<const T*>(row), plan.row, std::size_t{0});
      continue;
    }
    T piece[kReducePiece];
    for (std::size_t first = 0; first < plan.row; first += kReducePiece) {
      const std::size_t n = std::min(kReducePiece, plan.row - first);
      elements.load(row + first * elements.size, n, piece);
      visit(static_cast<const T*>(piece), n, first);
    }
  }
}

/// What the exponents are taken relative to: 0 if the largest value is not finite.
template <typename A> A offsetOf(A most) { return std::isfinite(static_cast<double>(most)) ? most : A{0}; }

template <Reduction R, typename T, typename A>
void reduceRows(const ReducePlan& plan, const Elements<T, A>& elements, const std::byte* in, std::byte* out, std::size_t begin,
                std::size_t end) {
  for (std::size_t k = begin; k < end; ++k) {
    A most{0};
    if constexpr (kNeedsMost<R>) {
      most = start<Max, float>();
      forReduced(plan, elements, in, k, [&](const T* p, std::size_t n, std::size_t) {
        for (std::size_t i = 0; i < n; ++i) most = step<Max, A>(most, static_cast<A>(p[i]), A{0});
      });
      most = offsetOf(most);
    }
    A total = elements.start;
    forReduced(plan, elements, in, k, [&](const T* p, std::size_t n, std::size_t) {
      if constexpr (std::same_as<T, float> && (R == Sum || R == Mean)) {
        total += vectorLoops().sum(p, n);
      } else {
        for (std::size_t i = 0; i < n; ++i) total = step<R, A>(total, static_cast<A>(p[i]), most);
      }
    });
    put(elements, finish<R, A>(total, plan.count(), most), out + k * elements.size);
  }
}

template <Reduction R, typename T, typename A>
void reduceColumns(const ReducePlan& plan, const Elements<T, A>& elements, const std::byte* in, std::byte* out, std::size_t begin,
                   std::size_t end) {
  std::vector<A> totals(plan.row);
  std::vector<A> most(plan.row, A{0});
  for (std::size_t k = begin; k < end; ++k) {
    if constexpr (kNeedsMost<R>) {
      std::fill(most.begin(), most.end(), start<Max, float>());
      forReduced(plan, elements, in, k, [&](const T* p, std::size_t n, std::size_t first) {
        for (std::size_t i = 0; i < n; ++i) most[first + i] = step<Max, A>(most[first + i], static_cast<A>(p[i]), A{0});
      });
      std::transform(most.begin(), most.end(), most.begin(), offsetOf<A>);
    }
    std::fill(totals.begin(), totals.end(), elements.start);
    forReduced(plan, elements, in, k, [&](const T* p, std::size_t n, std::size_t first) {
      if constexpr (std::same_as<T, float> && (R == Sum || R == Mean)) {
        vectorLoops().accumulate(p, totals.data() + first, n);
      } else {
        A* running = totals.data() + first;
        const A* offsets = most.data() + first;
        for (std::size_t i = 0; i < n; ++i) running[i] = step<R, A>(running[i], static_cast<A>(p[i]), offsets[i]);
      }
    });
    for (std::size_t i = 0; i < plan.row; ++i) {
      put(elements, finish<R, A>(totals[i], plan.count(), most[i]), out + (k * plan.row + i) * elements.size);
    }
  }
}

template <Reduction R, typename T, typename A>
void reduce(const ReducePlan& plan, const Elements<T, A>& elements, const std::byte* in, std::byte* out) {
  const std::size_t share = std::max<std::size_t>(1, plan.total / std::max<std::size_t>(1, plan.kept.count));
  const std::size_t block = std::max<std::size_t>(1, kBlock / share);
  forBlocks(
      plan.kept.count, block,
      [&](std::size_t begin, std::size_t end) {
        (plan.rowIsReduced ? reduceRows<R, T, A> : reduceColumns<R, T, A>)(plan, elements, in, out, begin, end);
      },
      kParallelFrom / share);
}

template <Reduction R, typename T, typename A>
std::unique_ptr<Kernel> reduceKernel(const KernelRequest& request, const Elements<T, A>& elements) {
  return std::make_unique<FunctionKernel>("loop_reduce", [plan = ReducePlan(request), elements](auto inputs, auto outputs, std::byte*) {
    reduce<R, T, A>(plan, elements, static_cast<const std::byte*>(inputs[0]), static_cast<std::byte*>(outputs[0]));
  });
}

template <Reduction R> bool addReduce(const std::string& type) {
  KernelFactory factory;
  factory.layout = LayoutRule::SameAsInput;
  factory.create = [](const KernelRequest& request) {
    return withType(request.inputs[0].dtype, [&]<typename Element>() {
      using Stored =
          std::conditional_t<std::same_as<Element, bool>, std::uint8_t, Element>;  // extremes of truth values are those of 0 and 1
      using A = Running<R, Stored>;
      using T = std::conditional_t<std::same_as<Stored, float>, float, A>;
      Elements<T, A> elements{.size = sizeof(Stored), .store = storeElement<Stored, A>, .start = start<R, Stored>()};
      if constexpr (!std::same_as<Stored, T>) elements.load = loadElements<Stored, T>;
      return reduceKernel<R, T, A>(request, elements);
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
