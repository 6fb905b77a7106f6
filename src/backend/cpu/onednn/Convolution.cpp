#include "Convolution.hpp"

#include <functional>

#include "../Activation.hpp"
#include "../KernelSupport.hpp"
#include "CountingConvolution.hpp"
#include "Winograd.hpp"
#include "aidge/backend/cpu/ConvolutionAccuracy.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::cpu::onednn {

namespace {

using Desc = dnnl::memory::desc;

/// Data of at most this many channels (pictures) goes to the primitive row-major; its blocked result is reordered at once.
constexpr DimSize_t kFewChannels = 4;

dnnl::memory::dims toMemoryDims(const Dims& dims) { return {dims.begin(), dims.end()}; }

/// What a primitive descriptor needs besides memory orders.
struct Geometry {
  dnnl::memory::dims stride;
  dnnl::memory::dims dilation;  ///< oneDNN counts from 0
  dnnl::memory::dims padBegin;
  dnnl::memory::dims padEnd;
};

Geometry geometryOf(const KernelRequest& request, bool transposed) {
  const Dims& weight = request.inputs[1].dims;
  const std::span<const DimSize_t> kernel = std::span<const DimSize_t>(weight).subspan(2);
  const SpatialWindow window = transposed ? resolveTransposedWindow(*request.op, request.inputs[0].dims, kernel)
                                          : resolveWindow(*request.op, request.inputs[0].dims, kernel);
  Geometry geometry{toMemoryDims(window.stride), toMemoryDims(window.dilation), toMemoryDims(window.padBegin),
                    toMemoryDims(transposed ? window.padEnd : window.reachEnd)};
  for (auto& dilation : geometry.dilation) --dilation;
  return geometry;
}

/// The weight as oneDNN names its axes: (groups,) out, in, kernel. ONNX stores transposed convolutions' weights as (in, out / groups, kernel).
struct WeightAxes {
  Dims dims;
  dnnl::memory::dims strides;
};

WeightAxes weightAxes(const KernelRequest& request, bool transposed) {
  const Dims& weight = request.inputs[1].dims;
  const auto groups = request.op->attribute<std::int64_t>("groups");
  DimSize_t taps = 1;
  for (std::size_t i = 2; i < weight.size(); ++i) taps *= weight[i];
  const DimSize_t rows = weight[0] / groups;
  WeightAxes axes;
  if (groups > 1) {
    axes.dims.push_back(groups);
    axes.strides.push_back(rows * weight[1] * taps);
  }
  if (transposed) {
    axes.dims.insert(axes.dims.end(), {weight[1], rows});
    axes.strides.insert(axes.strides.end(), {taps, weight[1] * taps});
  } else {
    axes.dims.insert(axes.dims.end(), {rows, weight[1]});
    axes.strides.insert(axes.strides.end(), {weight[1] * taps, taps});
  }
  for (std::size_t i = 2; i < weight.size(); ++i) {
    taps /= weight[i];
    axes.dims.push_back(weight[i]);
    axes.strides.push_back(taps);
  }
  return axes;
}

TensorDesc channelsLast(TensorDesc desc) {
  desc.layout = Layout::ChannelsLast;
  return desc;
}

bool hasSumInPlace(const KernelRequest& request) {
  for (const PostOp& postOp : request.postOps) {
    if (postOp.inPlace) return true;
  }
  return false;
}

Call reorderCall(const Desc& from, const Desc& to) {
  dnnl::primitive_attr attributes;
  Call call{dnnl::reorder(dnnl::reorder::primitive_desc(engine(), from, engine(), to, attributes))};
  call.bind(DNNL_ARG_FROM, from);
  call.bind(DNNL_ARG_TO, to);
  return call;
}

}  // namespace

ConvolutionKernel::ConvolutionKernel(const KernelRequest& request, bool transposed) {
  for (std::size_t i = 0; i < 3 && i < request.constants.size(); ++i) mConstant[i] = request.constants[i] != nullptr;
  mHasBias = request.present.size() > 2 && request.present[2];
  const Choice choice = choose(request, transposed);
  mImplementation = choice.implementation;
  mCall = Call(choice.primitive);
  const Desc source = toDesc(request.inputs[0]);
  const Desc target = toDesc(request.outputs[0]);
  if (choice.source != source) {
    mBefore = reorderCall(source, choice.source);
    mSourceBytes = aligned(choice.source.get_size());
  }
  if (choice.target != target) {
    mAfter = reorderCall(choice.target, target);
    mTargetBytes = aligned(choice.target.get_size());
  }
  mPadBytes = aligned(choice.scratchpad.get_size());
  bindWeight(request, choice, transposed);
  bindArguments(request, choice);
}

ConvolutionKernel::Choice ConvolutionKernel::choose(const KernelRequest& request, bool transposed) const {
  const Geometry geometry = geometryOf(request, transposed);
  const Desc weight = anyDesc(weightAxes(request, transposed).dims);
  const Desc bias = mHasBias ? plainDesc(request.inputs[2].dims) : Desc();
  const auto make = [&](const Desc& source, const Desc& target) {
    Choice choice;
    const dnnl::primitive_attr attributes = makeAttributes(request);
    const auto take = [&](const auto& description, auto primitive) {
      choice.source = description.src_desc();
      choice.weight = description.weights_desc();
      choice.target = description.dst_desc();
      choice.scratchpad = description.scratchpad_desc();
      choice.implementation = description.impl_info_str();
      choice.primitive = primitive;
    };
    if (transposed) {
      const dnnl::deconvolution_forward::primitive_desc description(
          engine(), dnnl::prop_kind::forward_inference, dnnl::algorithm::deconvolution_direct, source, weight, bias, target,
          geometry.stride, geometry.dilation, geometry.padBegin, geometry.padEnd, attributes);
      take(description, dnnl::deconvolution_forward(description));
    } else {
      const dnnl::convolution_forward::primitive_desc description(
          engine(), dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, source, weight, bias, target, geometry.stride,
          geometry.dilation, geometry.padBegin, geometry.padEnd, attributes);
      take(description, dnnl::convolution_forward(description));
    }
    return choice;
  };
  const Desc last = toDesc(channelsLast(request.outputs[0]));
  const bool picture = request.inputs[0].layout == Layout::Plain && request.inputs[0].dims[1] <= kFewChannels;
  if (picture && !transposed && !hasSumInPlace(request)) {
    Choice choice = make(toDesc(request.inputs[0]), anyDesc(request.outputs[0].dims));
    if (!choice.isReference()) return choice;
  }
  Choice choice = make(toDesc(channelsLast(request.inputs[0])), last);
  if (!choice.isReference() || hasSumInPlace(request)) return choice;
  Choice other = make(anyDesc(request.inputs[0].dims), anyDesc(request.outputs[0].dims));
  return other.isReference() ? choice : other;
}

void ConvolutionKernel::bindWeight(const KernelRequest& request, const Choice& choice, bool transposed) {
  const WeightAxes axes = weightAxes(request, transposed);
  const Desc stored(dnnl::memory::dims(axes.dims.begin(), axes.dims.end()), dnnl::memory::data_type::f32, axes.strides);
  if (request.constants[1]) {
    mWeight = packed(request.constants[1]->rawData(), stored, choice.weight);
    mCall.bind(DNNL_ARG_WEIGHTS, mWeight);
  } else {
    mPackWeight = reorderCall(stored, choice.weight);
    mWeightBytes = aligned(choice.weight.get_size());
    mCall.bind(DNNL_ARG_WEIGHTS, choice.weight);
  }
  if (!mHasBias) return;
  const Desc bias = plainDesc(request.inputs[2].dims);
  if (request.constants[2]) {
    mBias = packed(request.constants[2]->rawData(), bias, bias);
    mCall.bind(DNNL_ARG_BIAS, mBias);
  } else {
    mCall.bind(DNNL_ARG_BIAS, bias);
  }
}

void ConvolutionKernel::bindArguments(const KernelRequest& request, const Choice& choice) {
  mCall.bind(DNNL_ARG_SRC, choice.source);
  mCall.bind(DNNL_ARG_DST, choice.target);
  mCall.bind(DNNL_ARG_SCRATCHPAD, choice.scratchpad);
  for (std::size_t i = 0; i < request.postOps.size(); ++i) {
    if (request.postOps[i].kind != PostOp::Kind::Sum || request.postOps[i].inPlace) continue;
    const int argument = DNNL_ARG_ATTR_MULTIPLE_POST_OP(static_cast<int>(i)) | DNNL_ARG_SRC_1;
    mCall.bind(argument, toDesc(request.inputs[request.postOps[i].input]));
    mAdded.emplace_back(argument, request.postOps[i].input);
  }
}

std::size_t ConvolutionKernel::packedBytes() const {
  return (mConstant[1] ? mWeight.get_desc().get_size() : 0) + (mConstant[2] ? mBias.get_desc().get_size() : 0);
}

void ConvolutionKernel::run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte* scratch) {
  if (mPackWeight) {
    std::byte* weight = scratch + mSourceBytes + mTargetBytes;
    mPackWeight->set(DNNL_ARG_FROM, inputs[1]);
    mPackWeight->set(DNNL_ARG_TO, weight);
    mPackWeight->execute();
    mCall.set(DNNL_ARG_WEIGHTS, weight);
  }
  const void* source = inputs[0];
  if (mBefore) {
    mBefore->set(DNNL_ARG_FROM, source);
    mBefore->set(DNNL_ARG_TO, scratch);
    mBefore->execute();
    source = scratch;
  }
  void* target = mAfter ? scratch + mSourceBytes : outputs[0];
  mCall.set(DNNL_ARG_SRC, source);
  mCall.set(DNNL_ARG_DST, target);
  mCall.set(DNNL_ARG_SCRATCHPAD, scratch + mSourceBytes + mTargetBytes + mWeightBytes);
  if (mHasBias && !mConstant[2]) mCall.set(DNNL_ARG_BIAS, inputs[2]);
  for (const auto& [argument, input] : mAdded) mCall.set(argument, inputs[input]);
  mCall.execute();
  if (mAfter) {
    mAfter->set(DNNL_ARG_FROM, target);
    mAfter->set(DNNL_ARG_TO, outputs[0]);
    mAfter->execute();
  }
}

namespace {

std::unique_ptr<Kernel> createDirect(const KernelRequest& request, bool transposed) {
  if (request.counted.op) return std::make_unique<CountingConvolution>(request, transposed);
  return std::make_unique<ConvolutionKernel>(request, transposed);
}

std::string choiceOf(const KernelRequest& request) {
  if (request.options == nullptr) return "rule";
  const auto choice = request.options->find(kConvolutionChoice);
  return choice == request.options->end() ? "rule" : choice->second;
}

}  // namespace

KernelFactory convolutionFactory(bool transposed) {
  KernelFactory result;
  result.layout = LayoutRule::PreferChannelsLast;
  result.plainChannels = kFewChannels;
  result.canFuse = canFuse;
  result.canCount = [](const KernelRequest&, const Operator& activation) { return ActivationFunction::supports(activation.type()); };
  result.unsupported = [](const Operator&, std::span<const TensorInfo> inputs) { return refuseOtherTypes(inputs, {DataType::Float32}); };
  result.create = [transposed](const KernelRequest& request) -> std::unique_ptr<Kernel> {
    const std::string choice = choiceOf(request);
    std::vector<KernelMaker> makers = transposed ? std::vector<KernelMaker>{} : winogradKernels(request, choice != "rule");
    if (makers.empty()) return createDirect(request, transposed);
    if (choice != "measure") return makers[0]();
    makers.emplace_back([&] { return createDirect(request, transposed); });
    return fastestKernel(request, makers);
  };
  return result;
}

namespace {

[[maybe_unused]] const bool kConvolutionRegistered = [] {
  for (const std::string type : {"Conv1D", "Conv2D", "Conv3D"}) KernelRegistry::add("cpu", type, convolutionFactory(false));
  return true;
}();

}  // namespace

}  // namespace Aidge::cpu::onednn
