// Resize in all modes: one table of weighted source indices an axis, in either memory order. Nearest moves elements of any type; linear and cubic work axis by
// axis, the last two row by row.
#include "aidge/operator/Resize.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "KernelSupport.hpp"

namespace Aidge::cpu {

namespace {

/// What one axis is made of: output i is the sum of weights[i * taps + t] * in[sources[i * taps + t]], or the extrapolation value.
struct AxisTable {
  std::size_t input = 1;
  std::size_t output = 1;
  std::size_t taps = 1;
  std::vector<std::size_t> sources;
  std::vector<float> weights;
  std::vector<bool> outside;  ///< empty: none
  bool unchanged = true;
};

/// Coordinate in the input of output `x`: the formulas of ONNX, in float as ONNX Runtime computes them. The length of the result is the one after rounding
/// down, as in ONNX Runtime and PyTorch: with aligned corners the last output is the last input for every scale.
float originalCoordinate(const std::string& mode, const ResizeAxis& axis, DimSize_t x) {
  const auto position = static_cast<float>(x);
  const auto input = static_cast<float>(axis.input);
  const auto output = static_cast<float>(axis.output);
  if (mode == "asymmetric") return axis.scale == output / input ? position * input / output : position / axis.scale;
  if (mode == "align_corners") return output == 1.0F ? 0.0F : position * (input - 1.0F) / (output - 1.0F);
  if (mode == "tf_half_pixel_for_nn") return (position + 0.5F) / axis.scale;
  if (mode == "pytorch_half_pixel" && axis.output <= 1) return 0.0F;
  if (mode == "tf_crop_and_resize") {
    if (output == 1.0F) return 0.5F * (axis.roiStart + axis.roiEnd) * (input - 1.0F);
    return axis.roiStart * (input - 1.0F) + position * (axis.roiEnd - axis.roiStart) * (input - 1.0F) / (output - 1.0F);
  }
  if (mode != "half_pixel_symmetric") return (position + 0.5F) / axis.scale - 0.5F;
  const float margin = input / 2.0F * (1.0F - output / (axis.scale * input));
  return static_cast<float>(static_cast<double>(margin) + (static_cast<double>(x) + 0.5) / static_cast<double>(axis.scale) - 0.5);
}

DimSize_t nearestIndex(const std::string& mode, float x) {
  const float below = std::floor(x);
  if (mode == "floor") return static_cast<DimSize_t>(below);
  if (mode == "ceil") return static_cast<DimSize_t>(std::ceil(x));
  const bool tie = x - below == 0.5F;
  const bool up = tie ? mode == "round_prefer_ceil" : x - below > 0.5F;
  return static_cast<DimSize_t>(below) + (up ? 1 : 0);
}

double cubicWeight(double distance, double a) {
  const double x = std::abs(distance);
  if (x <= 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  return x < 2.0 ? ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a : 0.0;
}

/// Fills in an axis's table, one output index after the other.
class TableMaker {
 public:
  explicit TableMaker(const Operator& op)
      : mMode(op.attribute<std::string>("mode")),
        mTransformation(op.attribute<std::string>("coordinate_transformation_mode")),
        mNearest(op.attribute<std::string>("nearest_mode")),
        mCubic(op.attribute<double>("cubic_coeff_a")),
        mExclude(op.attribute<bool>("exclude_outside")),
        mAntialias(op.attribute<bool>("antialias")) {}

  [[nodiscard]] AxisTable make(const ResizeAxis& axis) const {
    AxisTable table;
    table.input = static_cast<std::size_t>(axis.input);
    table.output = static_cast<std::size_t>(axis.output);
    table.unchanged = axis.isUnchanged();
    if (table.unchanged || axis.output == 0) return table;
    // The filter is stretched where that keeps frequencies out which the result cannot hold.
    const double shrink = mAntialias ? std::min<double>(static_cast<double>(axis.scale), 1.0) : 1.0;
    const double reach = mMode == "cubic" ? 2.0 : 1.0;
    const auto first = static_cast<DimSize_t>(std::floor(-reach / shrink)) + 1;
    table.taps = mMode == "nearest" ? 1 : static_cast<std::size_t>(2 - 2 * first);
    for (DimSize_t i = 0; i < axis.output; ++i) {
      const float x = originalCoordinate(mTransformation, axis, i);
      if (axis.cropped) table.outside.push_back(x < 0.0F || x > static_cast<float>(axis.input - 1));
      if (mMode == "nearest") {
        addTap(table, nearestIndex(mNearest, x), 1.0);
      } else {
        addWindow(table, x, first, shrink);
      }
    }
    return table;
  }

 private:
  static void addTap(AxisTable& table, DimSize_t index, double weight) {
    table.sources.push_back(static_cast<std::size_t>(std::clamp<DimSize_t>(index, 0, static_cast<DimSize_t>(table.input) - 1)));
    table.weights.push_back(static_cast<float>(weight));
  }

  void addWindow(AxisTable& table, float x, DimSize_t first, double shrink) const {
    const float below = std::floor(x);
    const double ratio = static_cast<double>(x) - static_cast<double>(below);
    std::vector<double> weights(table.taps);
    double sum = 0.0;
    for (std::size_t t = 0; t < table.taps; ++t) {
      const DimSize_t tap = first + static_cast<DimSize_t>(t);
      const DimSize_t index = static_cast<DimSize_t>(below) + tap;
      const double distance = (static_cast<double>(tap) - ratio) * shrink;
      weights[t] = mMode == "cubic" ? cubicWeight(distance, mCubic) : std::max(0.0, 1.0 - std::abs(distance));
      if (mExclude && (index < 0 || index >= static_cast<DimSize_t>(table.input))) weights[t] = 0.0;
      sum += weights[t];
    }
    const bool normalise = (mExclude || mAntialias) && sum != 0.0;
    for (std::size_t t = 0; t < table.taps; ++t) {
      addTap(table, static_cast<DimSize_t>(below) + first + static_cast<DimSize_t>(t), normalise ? weights[t] / sum : weights[t]);
    }
  }

  std::string mMode;
  std::string mTransformation;
  std::string mNearest;
  double mCubic;
  bool mExclude;
  bool mAntialias;
};

/// Tables of all axes in memory order, unchanged neighbours joined.
std::vector<AxisTable> makeTables(const KernelRequest& request) {
  const TensorDesc& input = request.inputs[0];
  std::vector<ResizeAxis> axes = resolveResize(*request.op, request.infos());
  const TableMaker maker(*request.op);
  std::vector<AxisTable> tables;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t axis = input.layout == Layout::ChannelsLast && i > 0 ? (i + 1 < axes.size() ? i + 1 : 1) : i;
    // A part of a batch has sizes of the whole one; its axis 0 is never resized.
    if (request.outputs[0].dims[axis] == input.dims[axis] && axes[axis].output != input.dims[axis])
      axes[axis] = {input.dims[axis], input.dims[axis]};
    AxisTable table = maker.make(axes[axis]);
    if (table.unchanged && !tables.empty() && tables.back().unchanged) {
      tables.back().input *= table.input;
      tables.back().output *= table.output;
    } else {
      tables.push_back(std::move(table));
    }
  }
  if (tables.empty() || !tables.back().unchanged) tables.emplace_back();
  return tables;
}

// --- nearest --------------------------------------------------------------------------------------------------------

/// Source offset of every output row (all axes but the last table), or kOutsideImage.
constexpr std::size_t kOutsideImage = std::numeric_limits<std::size_t>::max();

std::size_t sourceOf(const AxisTable& table, std::size_t i) {
  if (table.unchanged) return i;
  return !table.outside.empty() && table.outside[i] ? kOutsideImage : table.sources[i];
}

template <typename T> void nearestRow(const T* in, std::size_t run, T* out) {
  if (run == 1) {
    *out = *in;
  } else {
    std::copy_n(in, run, out);
  }
}

/// The last table is never resized: its elements lie side by side. The one before it is gone along in the inner loop.
template <typename T> void nearest(const std::vector<AxisTable>& tables, const T* in, T* out, T outsideValue) {
  const std::size_t run = tables.back().output;
  if (tables.size() == 1) return nearestRow(in, run, out);
  const AxisTable& inner = tables[tables.size() - 2];
  std::size_t rows = 1;
  for (std::size_t i = 0; i + 2 < tables.size(); ++i) rows *= tables[i].output;
  const auto copyRow = [&](std::size_t row) {
    std::size_t offset = 0;
    std::size_t step = inner.input * run;
    std::size_t rest = row;
    for (std::size_t i = tables.size() - 2; i-- > 0 && offset != kOutsideImage;) {
      const std::size_t source = sourceOf(tables[i], rest % tables[i].output);
      rest /= tables[i].output;
      offset = source == kOutsideImage ? kOutsideImage : offset + source * step;
      step *= tables[i].input;
    }
    T* target = out + row * inner.output * run;
    if (offset == kOutsideImage) return static_cast<void>(std::fill_n(target, inner.output * run, outsideValue));
    for (std::size_t x = 0; x < inner.output; ++x, target += run) {
      const std::size_t source = sourceOf(inner, x);
      if (source == kOutsideImage) {
        std::fill_n(target, run, outsideValue);
      } else {
        nearestRow(in + offset + source * run, run, target);
      }
    }
  };
  const std::size_t width = std::max<std::size_t>(1, inner.output * run);
  forBlocks(
      rows, std::max<std::size_t>(1, kBlock / width),
      [&](std::size_t begin, std::size_t end) {
        for (std::size_t row = begin; row < end; ++row) copyRow(row);
      },
      kParallelFrom / width);
}

// --- linear and cubic -----------------------------------------------------------------------------------------------

/// out[j][:] = sum over taps of weight * in[source][:], for `run` elements side by side.
template <typename T, typename F> void blend(const AxisTable& table, std::size_t j, const T* in, std::size_t run, F* out) {
  const std::size_t* sources = table.sources.data() + j * table.taps;
  const float* weights = table.weights.data() + j * table.taps;
  if (table.taps == 2) {
    const T* a = in + sources[0] * run;
    const T* b = in + sources[1] * run;
    const F wa = static_cast<F>(weights[0]);
    const F wb = static_cast<F>(weights[1]);
    for (std::size_t i = 0; i < run; ++i) out[i] = wa * static_cast<F>(a[i]) + wb * static_cast<F>(b[i]);
    return;
  }
  std::fill_n(out, run, F{0});
  for (std::size_t t = 0; t < table.taps; ++t) {
    const F weight = static_cast<F>(weights[t]);
    const T* source = in + sources[t] * run;
    if (weight == F{0}) continue;
    for (std::size_t i = 0; i < run; ++i) out[i] += weight * static_cast<F>(source[i]);
  }
}

/// Resizes along the tables one after the other, for each item of the outermost unchanged axes. F computes, T is stored.
template <typename T, typename F> class Blender {
 public:
  Blender(std::vector<AxisTable> tables, F outsideValue) : mTables(std::move(tables)), mOutside(outsideValue) {
    if (mTables.front().unchanged && mTables.size() > 1) {
      mItems = mTables.front().output;
      mTables.erase(mTables.begin());
    }
  }

  void run(const T* in, T* out) const {
    std::size_t inputSize = 1;
    std::size_t outputSize = 1;
    for (const AxisTable& table : mTables) {
      inputSize *= table.input;
      outputSize *= table.output;
    }
    // The first axis is resized row by row: each row of the result is blended from rows of the data, then resized along the others.
    const std::size_t rows = mItems * mTables.front().output;
    const std::size_t rowSize = mTables.front().output == 0 ? 1 : std::max<std::size_t>(1, outputSize / mTables.front().output);
    forBlocks(
        rows, std::max<std::size_t>(1, kBlock / rowSize),
        [&](std::size_t begin, std::size_t end) {
          std::vector<F> buffers[2];
          for (std::size_t row = begin; row < end; ++row) {
            const std::size_t item = row / mTables.front().output;
            makeRow(in + item * inputSize, row % mTables.front().output, out + row * rowSize, rowSize, buffers);
          }
        },
        kParallelFrom / rowSize);
  }

 private:
  void makeRow(const T* in, std::size_t j, T* out, std::size_t rowSize, std::vector<F>* buffers) const {
    std::size_t size = 1;
    for (std::size_t i = 1; i < mTables.size(); ++i) size *= mTables[i].input;
    const AxisTable& first = mTables.front();
    if (!first.outside.empty() && first.outside[j]) return static_cast<void>(std::fill_n(out, rowSize, stored(mOutside)));
    buffers[0].resize(size);
    if (first.unchanged) {
      std::transform(in + j * size, in + (j + 1) * size, buffers[0].begin(), [](T value) { return static_cast<F>(value); });
    } else {
      blend(first, j, in, size, buffers[0].data());
    }
    std::size_t outer = 1;
    for (std::size_t i = 1; i < mTables.size(); ++i) {
      const AxisTable& table = mTables[i];
      size /= table.input;
      if (!table.unchanged) {
        resizeAxis(table, outer, size, buffers[0], buffers[1]);
        std::swap(buffers[0], buffers[1]);
      }
      outer *= table.output;
    }
    std::transform(buffers[0].begin(), buffers[0].begin() + static_cast<std::ptrdiff_t>(rowSize), out, stored);
  }

  void resizeAxis(const AxisTable& table, std::size_t outer, std::size_t run, const std::vector<F>& from, std::vector<F>& to) const {
    to.resize(outer * table.output * run);
    if (run == 1 && table.taps == 2 && table.outside.empty()) return resizeLines(table, outer, from.data(), to.data());
    for (std::size_t o = 0; o < outer; ++o) {
      for (std::size_t j = 0; j < table.output; ++j) {
        F* target = to.data() + (o * table.output + j) * run;
        if (!table.outside.empty() && table.outside[j]) {
          std::fill_n(target, run, mOutside);
        } else {
          blend(table, j, from.data() + o * table.input * run, run, target);
        }
      }
    }
  }

  /// The innermost axis, where neighbours belong to different places.
  static void resizeLines(const AxisTable& table, std::size_t outer, const F* from, F* to) {
    for (std::size_t o = 0; o < outer; ++o, from += table.input, to += table.output) {
      for (std::size_t j = 0; j < table.output; ++j) {
        to[j] = static_cast<F>(table.weights[2 * j]) * from[table.sources[2 * j]] +
                static_cast<F>(table.weights[2 * j + 1]) * from[table.sources[2 * j + 1]];
      }
    }
  }

  /// Integers are rounded to the nearest and saturate.
  static T stored(F value) {
    if constexpr (std::is_floating_point_v<T> || kIsHalf<T>) {
      return static_cast<T>(value);
    } else {
      const F low = static_cast<F>(std::numeric_limits<T>::min());
      const F high = static_cast<F>(std::numeric_limits<T>::max());
      if (value >= high) return std::numeric_limits<T>::max();
      return value <= low ? std::numeric_limits<T>::min() : static_cast<T>(std::nearbyint(value));
    }
  }

  std::vector<AxisTable> mTables;  ///< those after the items; the last one is never resized
  std::size_t mItems = 1;
  F mOutside;
};

std::unique_ptr<Kernel> createNearest(const KernelRequest& request) {
  const Tensor outside = Tensor::full({1}, request.op->attribute<double>("extrapolation_value"), request.inputs[0].dtype);
  return std::make_unique<FunctionKernel>("loop_resize", [tables = makeTables(request), outside](auto inputs, auto outputs, std::byte*) {
    forElementSize(outside.dataType(), [&](auto element) {
      using T = decltype(element);
      std::memcpy(&element, outside.rawData(), sizeof element);
      nearest(tables, static_cast<const T*>(inputs[0]), static_cast<T*>(outputs[0]), element);
    });
  });
}

std::unique_ptr<Kernel> createResize(const KernelRequest& request) {
  if (request.outputs[0].elements() == 0) return std::make_unique<FunctionKernel>("nothing", [](auto, auto, std::byte*) {});
  if (request.op->attribute<std::string>("mode") == "nearest") return createNearest(request);
  const double outside = request.op->attribute<double>("extrapolation_value");
  return forNumber(request.inputs[0].dtype, [&](auto element) -> std::unique_ptr<Kernel> {
    using T = decltype(element);
    using F = std::conditional_t<std::is_same_v<T, float> || kIsHalf<T>, float, double>;
    const Blender<T, F> blender(makeTables(request), static_cast<F>(outside));
    return std::make_unique<FunctionKernel>("loop_resize", [blender](auto inputs, auto outputs, std::byte*) {
      blender.run(static_cast<const T*>(inputs[0]), static_cast<T*>(outputs[0]));
    });
  });
}

bool addResize() {
  KernelFactory factory;
  factory.layout = LayoutRule::SameAsInput;
  factory.create = createResize;
  return KernelRegistry::add("cpu", "Resize", std::move(factory));
}

[[maybe_unused]] const bool kResizeRegistered = addResize();

}  // namespace

}  // namespace Aidge::cpu
