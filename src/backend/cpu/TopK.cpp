// TopK: the best indices of every line, by a partial sort.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <type_traits>
#include <utility>

#include "KernelSupport.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::cpu {

namespace {

/// Lines along an axis of a row-major tensor: line i starts at start(i) and goes on in steps of `inner`.
struct Lines {
  std::size_t extent = 1;
  std::size_t inner = 1;
  std::size_t count = 1;

  Lines(const KernelRequest& request, const Dims& dims) {
    const std::size_t axis = normaliseAxis("backend::" + request.op->type(), request.op->attribute<std::int64_t>("axis"), dims.size());
    for (std::size_t i = 0; i < dims.size(); ++i) {
      if (i > axis) inner *= static_cast<std::size_t>(dims[i]);
      if (i != axis) count *= static_cast<std::size_t>(dims[i]);
    }
    extent = static_cast<std::size_t>(dims[axis]);
  }
  [[nodiscard]] std::size_t start(std::size_t line) const { return line / inner * extent * inner + line % inner; }
};

/// Whether a comes before b: the better value, then the lower index. NaN is bigger than everything.
template <typename T> bool isBefore(T a, T b, std::int64_t i, std::int64_t j, bool largest) {
  if constexpr (std::is_floating_point_v<T> || kIsHalf<T>) {
    const bool first = std::isnan(static_cast<ComputeType<T>>(a));
    const bool second = std::isnan(static_cast<ComputeType<T>>(b));
    if (first || second) {
      if (first && second) return i < j;
      return first == largest;
    }
  }
  if (a != b) return largest ? a > b : a < b;
  return i < j;
}

template <typename T> FunctionKernel::Function topFunction(const Lines& in, const Lines& out, bool largest) {
  return [=](auto inputs, auto outputs, std::byte*) {
    const auto* data = static_cast<const T*>(inputs[0]);
    forBlocks(
        in.count, 1,
        [&](std::size_t begin, std::size_t end) {
          std::vector<std::int64_t> order(in.extent);
          for (std::size_t line = begin; line < end; ++line) {
            const T* values = data + in.start(line);
            std::iota(order.begin(), order.end(), std::int64_t{0});
            const auto value = [&](std::int64_t i) { return values[static_cast<std::size_t>(i) * in.inner]; };
            std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(out.extent), order.end(),
                              [&](std::int64_t i, std::int64_t j) { return isBefore(value(i), value(j), i, j, largest); });
            for (std::size_t k = 0; k < out.extent; ++k) {
              const std::size_t place = out.start(line) + k * out.inner;
              static_cast<T*>(outputs[0])[place] = value(order[k]);
              static_cast<std::int64_t*>(outputs[1])[place] = order[k];
            }
          }
        },
        kParallelFrom / std::max<std::size_t>(in.extent, 1) + 1);
  };
}

std::unique_ptr<Kernel> createTopK(const KernelRequest& request) {
  const Lines in(request, request.inputs[0].dims);
  const Lines out(request, request.outputs[0].dims);
  const bool largest = request.op->attribute<bool>("largest");
  return std::make_unique<FunctionKernel>(
      "loop_top_k", forNumber(request.inputs[0].dtype, [&](auto element) { return topFunction<decltype(element)>(in, out, largest); }));
}

bool addTopK() {
  KernelFactory factory;
  factory.create = createTopK;
  return KernelRegistry::add("cpu", "TopK", std::move(factory));
}

[[maybe_unused]] const bool kTopKRegistered = addTopK();

}  // namespace

}  // namespace Aidge::cpu
