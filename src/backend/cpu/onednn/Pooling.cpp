// MaxPooling, AvgPooling, LpPooling and their global forms.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "../KernelSupport.hpp"
#include "Engine.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::cpu::onednn {

namespace {

using Desc = dnnl::memory::desc;

SpatialWindow windowOf(const KernelRequest& request) {
  const Dims& input = request.inputs[0].dims;
  if (request.op->traits().spatial > 0) return resolveWindow(*request.op, input);
  const Dims ones(input.size() - 2, 1);
  const Dims zeros(input.size() - 2, 0);
  return {Dims(input.begin() + 2, input.end()), ones, ones, zeros, zeros, ones, zeros};
}

bool countsPadding(const Operator& op) { return op.hasAttribute("count_include_pad") && op.attribute<bool>("count_include_pad"); }

/// Whether some window reaches beyond the declared padding: ONNX never counts those elements, oneDNN would.
bool reachesBeyondPadding(const SpatialWindow& window) {
  for (std::size_t i = 0; i < window.padEnd.size(); ++i) {
    if (window.reachEnd[i] > window.padEnd[i]) return true;
  }
  return false;
}

bool takesMaximum(const Operator& op) { return op.role() == Role::MaxPooling; }

dnnl::algorithm algorithmOf(const Operator& op) {
  if (takesMaximum(op)) return dnnl::algorithm::pooling_max;
  return countsPadding(op) ? dnnl::algorithm::pooling_avg_include_padding : dnnl::algorithm::pooling_avg_exclude_padding;
}

/// Pooling as a oneDNN primitive, on channels-last data.
class PoolingKernel final : public Kernel {
 public:
  PoolingKernel(const KernelRequest& request, const SpatialWindow& window) {
    const auto toMemoryDims = [](const Dims& dims) { return dnnl::memory::dims(dims.begin(), dims.end()); };
    dnnl::memory::dims dilation = toMemoryDims(window.dilation);
    // oneDNN refuses to dilate a window of one element, where it means nothing.
    for (std::size_t i = 0; i < dilation.size(); ++i) dilation[i] = window.kernel[i] == 1 ? 0 : dilation[i] - 1;
    const Desc source = toDesc(request.inputs[0]);
    const Desc target = toDesc(request.outputs[0]);
    const dnnl::pooling_forward::primitive_desc description(
        engine(), dnnl::prop_kind::forward_inference, algorithmOf(*request.op), source, target, toMemoryDims(window.stride),
        toMemoryDims(window.kernel), dilation, toMemoryDims(window.padBegin), toMemoryDims(window.reachEnd), makeAttributes(request));
    mImplementation = description.impl_info_str();
    mScratchBytes = aligned(description.scratchpad_desc().get_size());
    mCall = Call(dnnl::pooling_forward(description));
    mCall.bind(DNNL_ARG_SRC, source);
    mCall.bind(DNNL_ARG_DST, target);
    mCall.bind(DNNL_ARG_SCRATCHPAD, description.scratchpad_desc());
  }

  void run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte* scratch) override {
    mCall.set(DNNL_ARG_SRC, inputs[0]);
    mCall.set(DNNL_ARG_DST, outputs[0]);
    mCall.set(DNNL_ARG_SCRATCHPAD, scratch);
    mCall.execute();
  }
  [[nodiscard]] std::size_t scratchBytes() const override { return mScratchBytes; }
  [[nodiscard]] std::string implementation() const override { return mImplementation; }

 private:
  Call mCall;
  std::size_t mScratchBytes = 0;
  std::string mImplementation;
};

/// Pooling window by window, for what oneDNN cannot express or has no fast code for. Any memory order; up to three spatial axes.
class LoopPooling {
 public:
  LoopPooling(const KernelRequest& request, const SpatialWindow& window)
      : mCountPadding(countsPadding(*request.op)), mWindow(window), mInput(request.inputs[0]), mOutput(request.outputs[0]) {
    if (takesMaximum(*request.op)) mKind = Kind::Maximum;
    if (request.op->hasAttribute("p")) {
      mKind = Kind::Norm;
      mPower = static_cast<double>(request.op->attribute<std::int64_t>("p"));
    }
    mColumnMajor = request.op->hasAttribute("column_major") && request.op->attribute<bool>("column_major");
  }

  /// `indices`: the places of the maxima in the row-major data, or nullptr.
  void operator()(const float* in, float* out, std::int64_t* indices) const {
    const DimSize_t planes = mInput.dims[0] * mInput.dims[1];
    const DimSize_t places = static_cast<DimSize_t>(mOutput.elements()) / std::max<DimSize_t>(planes, 1);
#pragma omp parallel for schedule(static)
    for (DimSize_t plane = 0; plane < planes; ++plane) {
      for (DimSize_t place = 0; place < places; ++place) {
        const DimSize_t at = offset(mOutput, plane, place);
        DimSize_t best = 0;
        out[at] = window(in, plane, place, best);
        if (indices != nullptr) indices[at] = plane * positions() + (mColumnMajor ? transposed(best) : best);
      }
    }
  }

 private:
  enum class Kind : std::uint8_t { Maximum, Mean, Norm };

  [[nodiscard]] DimSize_t positions() const {
    return static_cast<DimSize_t>(elementCount(Dims(mInput.dims.begin() + 2, mInput.dims.end())));
  }

  /// The place of a row-major position in column-major order.
  [[nodiscard]] DimSize_t transposed(DimSize_t position) const {
    DimSize_t result = 0;
    DimSize_t step = positions();
    for (std::size_t axis = mInput.dims.size(); axis-- > 2;) {
      step /= mInput.dims[axis];
      result += position % mInput.dims[axis] * step;
      position /= mInput.dims[axis];
    }
    return result;
  }

  /// Where element `place` (row-major over the spatial axes) of `plane` (row-major over batch and channels) lies.
  [[nodiscard]] static DimSize_t offset(const TensorDesc& desc, DimSize_t plane, DimSize_t place) {
    const DimSize_t channels = desc.dims[1];
    const DimSize_t places = static_cast<DimSize_t>(desc.elements()) / (desc.dims[0] * channels);
    if (desc.layout == Layout::Plain) return plane * places + place;
    return (plane / channels * places + place) * channels + plane % channels;
  }

  /// Calls body(position, inside, padded) for every tap of a window: its row-major position, and whether that lies in the data or in its padding.
  template <typename Body> void forTaps(DimSize_t place, const Body& body) const {
    const std::size_t axes = mWindow.kernel.size();
    DimSize_t taps = 1;
    for (const DimSize_t k : mWindow.kernel) taps *= k;
    for (DimSize_t tap = 0; tap < taps; ++tap) {
      DimSize_t restTap = tap;
      DimSize_t restPlace = place;
      DimSize_t position = 0;
      DimSize_t stride = 1;
      bool inside = true;
      bool padded = true;
      for (std::size_t axis = axes; axis-- > 0;) {
        const DimSize_t extent = mInput.dims[axis + 2];
        const DimSize_t x = restPlace % mWindow.output[axis] * mWindow.stride[axis] +
                            restTap % mWindow.kernel[axis] * mWindow.dilation[axis] - mWindow.padBegin[axis];
        restPlace /= mWindow.output[axis];
        restTap /= mWindow.kernel[axis];
        inside = inside && x >= 0 && x < extent;
        padded = padded && x < extent + mWindow.padEnd[axis];
        position += x * stride;
        stride *= extent;
      }
      body(position, inside, padded);
    }
  }

  [[nodiscard]] float window(const float* in, DimSize_t plane, DimSize_t place, DimSize_t& best) const {
    float most = -std::numeric_limits<float>::infinity();
    double sum = 0.0;
    DimSize_t counted = 0;
    bool first = true;
    forTaps(place, [&](DimSize_t position, bool inside, bool padded) {
      if (inside || (mCountPadding && padded)) ++counted;
      if (!inside) return;
      const float value = in[offset(mInput, plane, position)];
      if (first || value > most) {
        most = value;
        best = position;
      }
      first = false;
      sum += mKind == Kind::Norm ? power(std::abs(static_cast<double>(value))) : static_cast<double>(value);
    });
    if (mKind == Kind::Maximum) return most;
    if (mKind == Kind::Norm) return static_cast<float>(mPower == 2.0 ? std::sqrt(sum) : std::pow(sum, 1.0 / mPower));
    return static_cast<float>(sum / static_cast<double>(std::max<DimSize_t>(counted, 1)));
  }

  [[nodiscard]] double power(double value) const {
    if (mPower == 1.0) return value;
    return mPower == 2.0 ? value * value : std::pow(value, mPower);
  }

  Kind mKind = Kind::Mean;
  double mPower = 1.0;
  bool mCountPadding;
  bool mColumnMajor = false;
  SpatialWindow mWindow;
  TensorDesc mInput;
  TensorDesc mOutput;
};

std::unique_ptr<Kernel> createPooling(const KernelRequest& request) {
  // The result's memory order is the data's, whichever that is: a row-major input is pooled as it is.
  const SpatialWindow window = windowOf(request);
  const bool countsBeyond = countsPadding(*request.op) && reachesBeyondPadding(window);
  if (!countsBeyond && request.outputs.size() == 1 && !request.op->hasAttribute("p")) {
    auto kernel = std::make_unique<PoolingKernel>(request, window);
    if (!kernel->implementation().starts_with("ref")) return kernel;
  }
  return std::make_unique<FunctionKernel>("loop_pooling", [loop = LoopPooling(request, window)](auto inputs, auto outputs, std::byte*) {
    loop(static_cast<const float*>(inputs[0]), static_cast<float*>(outputs[0]),
         outputs.size() > 1 ? static_cast<std::int64_t*>(outputs[1]) : nullptr);
  });
}

bool addPoolingKernels() {
  KernelFactory factory;
  factory.layout = LayoutRule::PreferChannelsLast;
  factory.create = createPooling;
  for (const std::string family : {"MaxPooling", "AvgPooling", "LpPooling", "MaxPoolingIndices"}) {
    for (const std::string suffix : {"1D", "2D", "3D"}) KernelRegistry::add("cpu", family + suffix, factory);
  }
  for (const std::string type : {"GlobalAveragePooling", "GlobalMaxPooling", "GlobalLpPooling"}) KernelRegistry::add("cpu", type, factory);
  return true;
}

[[maybe_unused]] const bool kPoolingRegistered = addPoolingKernels();

}  // namespace

}  // namespace Aidge::cpu::onednn
