#include "StridedCopy.hpp"

#include <cstdint>
#include <cstring>
#include <numeric>

namespace Aidge::cpu {

void IndexMap::append(DimSize_t extent, std::ptrdiff_t step) {
  total *= static_cast<std::size_t>(extent);
  if (extent == 1) return;
  if (!extents.empty() && steps.back() == extent * step) {
    extents.back() *= static_cast<std::size_t>(extent);
    steps.back() = step;
    return;
  }
  extents.push_back(static_cast<std::size_t>(extent));
  steps.push_back(step);
}

std::vector<std::size_t> axesInMemory(std::size_t rank, Layout layout) {
  std::vector<std::size_t> axes(rank);
  std::iota(axes.begin(), axes.end(), std::size_t{0});
  if (layout == Layout::ChannelsLast && rank > 2) std::rotate(axes.begin() + 1, axes.begin() + 2, axes.end());
  return axes;
}

std::vector<std::ptrdiff_t> elementSteps(const TensorDesc& desc) {
  std::vector<std::ptrdiff_t> steps(desc.dims.size());
  std::ptrdiff_t step = 1;
  const std::vector<std::size_t> axes = axesInMemory(desc.dims.size(), desc.layout);
  for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) {
    steps[*axis] = step;
    step *= desc.dims[*axis];
  }
  return steps;
}

namespace {

constexpr std::size_t kTile = 32;

/// Goes through all axes of a map but `first` and the last one, from a given item on.
class OuterWalk {
 public:
  OuterWalk(const IndexMap& map, std::size_t first) {
    std::ptrdiff_t outputStep = 1;
    for (std::size_t axis = map.extents.size(); axis-- > 0;) {
      if (axis != first && axis + 1 != map.extents.size()) {
        mAxes.push_back({map.extents[axis], map.steps[axis], outputStep});
        mCount *= map.extents[axis];
      }
      outputStep *= static_cast<std::ptrdiff_t>(map.extents[axis]);
    }
  }

  [[nodiscard]] std::size_t count() const { return mCount; }

  /// Calls body(inputOffset, outputOffset) for the items [begin, end).
  template <typename Body> void forItems(std::size_t begin, std::size_t end, const Body& body) const {
    std::vector<std::size_t> index(mAxes.size());
    std::ptrdiff_t from = 0;
    std::ptrdiff_t to = 0;
    std::size_t rest = begin;
    for (std::size_t i = 0; i < mAxes.size(); ++i) {
      index[i] = rest % mAxes[i].extent;
      rest /= mAxes[i].extent;
      from += static_cast<std::ptrdiff_t>(index[i]) * mAxes[i].inputStep;
      to += static_cast<std::ptrdiff_t>(index[i]) * mAxes[i].outputStep;
    }
    for (std::size_t item = begin; item < end; ++item) {
      body(from, to);
      for (std::size_t i = 0; i < mAxes.size(); ++i) {
        from += mAxes[i].inputStep;
        to += mAxes[i].outputStep;
        if (++index[i] < mAxes[i].extent) break;
        index[i] = 0;
        from -= static_cast<std::ptrdiff_t>(mAxes[i].extent) * mAxes[i].inputStep;
        to -= static_cast<std::ptrdiff_t>(mAxes[i].extent) * mAxes[i].outputStep;
      }
    }
  }

 private:
  struct Axis {
    std::size_t extent;
    std::ptrdiff_t inputStep;
    std::ptrdiff_t outputStep;
  };
  std::vector<Axis> mAxes;  ///< innermost first
  std::size_t mCount = 1;
};

/// One row of the output: consecutive, repeated or strided in the input. Short rows are too short for a call of memcpy.
template <typename T> void copyRow(const T* in, std::ptrdiff_t step, T* out, std::size_t run) {
  if (step == 1 && run >= 16) {
    std::memcpy(out, in, run * sizeof(T));
  } else if (step == 1) {
    for (std::size_t i = 0; i < run; ++i) out[i] = in[i];
  } else if (step == 0) {
    std::fill_n(out, run, *in);
  } else if (step == 2) {
    for (std::size_t i = 0; i < run; ++i) out[i] = in[2 * i];
  } else {
    for (std::size_t i = 0; i < run; ++i) out[i] = in[static_cast<std::ptrdiff_t>(i) * step];
  }
}

template <typename T> void copyRows(const IndexMap& map, const T* in, T* out) {
  const std::size_t run = map.extents.back();
  const std::ptrdiff_t step = map.steps.back();
  const OuterWalk outer(map, map.extents.size());
  if (outer.count() == 1) {
    forBlocks(run, kBlock, [&](std::size_t begin, std::size_t end) {
      copyRow(in + static_cast<std::ptrdiff_t>(begin) * step, step, out + begin, end - begin);
    });
    return;
  }
  forBlocks(
      outer.count(), std::max<std::size_t>(1, kBlock / run),
      [&](std::size_t begin, std::size_t end) {
        outer.forItems(begin, end, [&](std::ptrdiff_t from, std::ptrdiff_t to) { copyRow(in + from, step, out + to, run); });
      },
      kParallelFrom / run);
}

/// target[y * targetStep + x] = source[x * sourceStep + y] for x and y below 4, in registers.
void transposeQuad(const std::uint32_t* source, std::ptrdiff_t sourceStep, std::uint32_t* target, std::ptrdiff_t targetStep) {
  using Quad = std::uint32_t __attribute__((vector_size(16)));
  Quad in[4];
  for (std::ptrdiff_t x = 0; x < 4; ++x) std::memcpy(&in[x], source + x * sourceStep, sizeof(Quad));
  // Written element by element for all compilers; they make interleaving instructions of it.
  const auto low = [](Quad a, Quad b) { return Quad{a[0], b[0], a[1], b[1]}; };
  const auto high = [](Quad a, Quad b) { return Quad{a[2], b[2], a[3], b[3]}; };
  const Quad even[2] = {low(in[0], in[2]), high(in[0], in[2])};
  const Quad odd[2] = {low(in[1], in[3]), high(in[1], in[3])};
  const Quad out[4] = {low(even[0], odd[0]), high(even[0], odd[0]), low(even[1], odd[1]), high(even[1], odd[1])};
  for (std::ptrdiff_t y = 0; y < 4; ++y) std::memcpy(target + y * targetStep, &out[y], sizeof(Quad));
}

/// The same for x below `columns` and y below `rows`.
template <typename T>
void transposeTile(const T* source, std::ptrdiff_t sourceStep, T* target, std::ptrdiff_t targetStep, std::ptrdiff_t rows,
                   std::ptrdiff_t columns) {
  std::ptrdiff_t x = 0;
  if constexpr (sizeof(T) == 4) {
    for (; x + 4 <= columns; x += 4) {
      std::ptrdiff_t y = 0;
      for (; y + 4 <= rows; y += 4) transposeQuad(source + x * sourceStep + y, sourceStep, target + y * targetStep + x, targetStep);
      for (; y < rows; ++y) {
        for (std::ptrdiff_t i = x; i < x + 4; ++i) target[y * targetStep + i] = source[i * sourceStep + y];
      }
    }
  }
  for (std::ptrdiff_t y = 0; y < rows; ++y) {
    for (std::ptrdiff_t i = x; i < columns; ++i) target[y * targetStep + i] = source[i * sourceStep + y];
  }
}

/// Transposes planes in tiles: along `first` the input is consecutive, along the last axis the output.
template <typename T> void transposeTiles(const IndexMap& map, std::size_t first, const T* in, T* out) {
  const std::size_t height = map.extents[first];
  const std::size_t width = map.extents.back();
  const std::ptrdiff_t inputStep = map.steps.back();
  std::ptrdiff_t outputStep = 1;
  for (std::size_t axis = first + 1; axis < map.extents.size(); ++axis) outputStep *= static_cast<std::ptrdiff_t>(map.extents[axis]);
  const OuterWalk outer(map, first);
  const std::size_t bands = (height + kTile - 1) / kTile;
  const auto transposeBand = [&](std::ptrdiff_t from, std::ptrdiff_t to, std::size_t band) {
    const std::size_t top = band * kTile;
    const std::size_t rows = std::min(kTile, height - top);
    for (std::size_t left = 0; left < width; left += kTile) {
      const auto x = static_cast<std::ptrdiff_t>(left);
      const auto y = static_cast<std::ptrdiff_t>(top);
      transposeTile(in + from + y + x * inputStep, inputStep, out + to + y * outputStep + x, outputStep, static_cast<std::ptrdiff_t>(rows),
                    static_cast<std::ptrdiff_t>(std::min(kTile, width - left)));
    }
  };
  const auto transposeBands = [&](std::size_t begin, std::size_t end) {
    std::size_t band = begin % bands;
    for (std::size_t item = begin; item < end; band = 0) {
      const std::size_t last = std::min(bands, band + end - item);
      outer.forItems(item / bands, item / bands + 1, [&](std::ptrdiff_t from, std::ptrdiff_t to) {
        for (std::size_t b = band; b < last; ++b) transposeBand(from, to, b);
      });
      item += last - band;
    }
  };
  const std::size_t bandSize = std::min(kTile, height) * width;
  forBlocks(outer.count() * bands, std::max<std::size_t>(1, kBlock / bandSize), transposeBands, kParallelFrom / bandSize + 1);
}

template <typename T> void copyElements(const IndexMap& map, const T* in, T* out) {
  const auto consecutive = std::find(map.steps.begin(), map.steps.end(), std::ptrdiff_t{1});
  if (consecutive == map.steps.end() || consecutive + 1 == map.steps.end()) return copyRows(map, in, out);
  transposeTiles(map, static_cast<std::size_t>(consecutive - map.steps.begin()), in, out);
}

}  // namespace

void stridedCopy(const IndexMap& map, std::size_t elementBytes, const void* in, void* out) {
  if (map.total == 0) return;
  IndexMap whole = map;
  if (whole.extents.empty()) {
    whole.extents = {1};
    whole.steps = {1};
  }
  forElementBytes(elementBytes, [&](auto element) {
    using T = decltype(element);
    copyElements(whole, static_cast<const T*>(in) + map.offset, static_cast<T*>(out));
  });
}

std::unique_ptr<Kernel> createStridedCopy(std::string implementation, std::vector<IndexMap> maps, DataType type) {
  const std::size_t bytes = sizeOf(type);
  return std::make_unique<FunctionKernel>(std::move(implementation),
                                          [maps = std::move(maps), bytes](auto inputs, auto outputs, std::byte*) {
                                            for (std::size_t i = 0; i < maps.size(); ++i)
                                              stridedCopy(maps[i], bytes, inputs[0], outputs[i]);
                                          });
}

}  // namespace Aidge::cpu
