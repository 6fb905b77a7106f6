#include "Engine.hpp"

#include <omp.h>

#include <limits>
#include <numeric>
#include <optional>

#include "../Activation.hpp"
#include "aidge/backend/cpu/Threads.hpp"
#include "aidge/backend/cpu/UsedInstructionSets.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/core/InstructionSet.hpp"

namespace Aidge::cpu::onednn {

namespace {

constexpr std::string_view kWhere = "backend_cpu::plan";

using Tag = dnnl::memory::format_tag;

dnnl::memory::dims checkedDims(const Dims& dims) {
  if (dims.size() > static_cast<std::size_t>(DNNL_MAX_NDIMS)) {
    throwExpected(kWhere, "tensors of at most " + std::to_string(DNNL_MAX_NDIMS) + " axes", Aidge::toString(dims));
  }
  for (const DimSize_t dim : dims) {
    if (dim <= 0 || dim > std::numeric_limits<std::int32_t>::max())
      throwExpected(kWhere, "extents from 1 to 2147483647", Aidge::toString(dims));
  }
  static_cast<void>(elementCount(dims));
  return {dims.begin(), dims.end()};
}

dnnl::memory::dims rowMajorStrides(const Dims& dims) {
  dnnl::memory::dims strides(dims.size(), 1);
  for (std::size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  return strides;
}

dnnl::memory::dims channelsLastStrides(const Dims& dims) {
  dnnl::memory::dims strides(dims.size(), 1);
  DimSize_t stride = dims[1];
  for (std::size_t i = dims.size(); i-- > 2;) {
    strides[i] = stride;
    stride *= dims[i];
  }
  strides[1] = 1;
  strides[0] = stride;
  return strides;
}

/// oneDNN's element-wise function: algorithm, alpha, beta.
struct Eltwise {
  dnnl::algorithm algorithm;
  float alpha = 0.0F;
  float beta = 0.0F;
};

/// Without infinity.
float clamped(float value) {
  constexpr float kMax = std::numeric_limits<float>::max();
  return std::min(std::max(value, -kMax), kMax);
}

std::optional<Eltwise> eltwiseOf(const Operator& op) {
  using Algorithm = dnnl::algorithm;
  if (!ActivationFunction::supports(op.type())) return std::nullopt;
  const ActivationFunction function(op);
  const float a = function.a();
  const float b = function.b();
  switch (function.kind().value_or(UnaryLoop::Reciprocal)) {
    case UnaryLoop::Relu:
      return Eltwise{Algorithm::eltwise_relu};
    case UnaryLoop::LeakyRelu:
      return Eltwise{Algorithm::eltwise_relu, a};
    case UnaryLoop::Sigmoid:
      return Eltwise{Algorithm::eltwise_logistic};
    case UnaryLoop::Tanh:
      return Eltwise{Algorithm::eltwise_tanh};
    case UnaryLoop::HardSwish:
      return Eltwise{Algorithm::eltwise_hardswish, 1.0F / 6.0F, 0.5F};
    case UnaryLoop::Clip:
      return Eltwise{Algorithm::eltwise_clip, clamped(a), clamped(b)};
    case UnaryLoop::HardSigmoid:
      return Eltwise{Algorithm::eltwise_hardsigmoid, a, b};
    case UnaryLoop::Elu:
      return Eltwise{Algorithm::eltwise_elu, a};
    case UnaryLoop::Swish:
      return Eltwise{Algorithm::eltwise_swish, a};
    case UnaryLoop::Softplus:
      return Eltwise{Algorithm::eltwise_soft_relu, 1.0F};
    case UnaryLoop::Mish:
      return Eltwise{Algorithm::eltwise_mish};
    case UnaryLoop::Abs:
      return Eltwise{Algorithm::eltwise_abs};
    case UnaryLoop::Exp:
      return Eltwise{Algorithm::eltwise_exp};
    case UnaryLoop::GeluErf:
      return Eltwise{Algorithm::eltwise_gelu_erf};
    case UnaryLoop::GeluTanh:
      return Eltwise{Algorithm::eltwise_gelu_tanh};
    default:
      return std::nullopt;
  }
}

/// x * f(x) as one element-wise function.
std::optional<Eltwise> gateOf(const Operator& op) {
  using Algorithm = dnnl::algorithm;
  if (!ActivationFunction::supports(op.type())) return std::nullopt;
  const ActivationFunction function(op);
  if (function.kind() == UnaryLoop::Sigmoid) return Eltwise{Algorithm::eltwise_swish, 1.0F};
  if (function.kind() == UnaryLoop::HardSigmoid) return Eltwise{Algorithm::eltwise_hardswish, function.a(), function.b()};
  return std::nullopt;
}

/// Applies AIDGE_MAX_ISA to oneDNN. That is possible only before oneDNN has chosen its first kernel.
void capInstructionSet() {
  const std::optional<InstructionSet> cap = instructionSetCap();
  if (!cap) return;
  const dnnl::cpu_isa isa = *cap == InstructionSet::Avx512 ? dnnl::cpu_isa::avx512_core
                            : *cap == InstructionSet::Avx2 ? dnnl::cpu_isa::avx2
                                                           : dnnl::cpu_isa::sse41;
  if (dnnl::set_max_cpu_isa(isa) == dnnl::status::success) return;
  throwExpected("backend_cpu::engine",
                "AIDGE_MAX_ISA only with an oneDNN that was built for x86-64 with ONEDNN_ENABLE_MAX_CPU_ISA and has not run yet",
                std::string(toString(*cap)));
}

std::string nameOfIsa(dnnl::cpu_isa isa) {
  switch (isa) {
    case dnnl::cpu_isa::sse41:
      return "sse41";
    case dnnl::cpu_isa::avx:
      return "avx";
    case dnnl::cpu_isa::avx2:
      return "avx2";
    case dnnl::cpu_isa::avx2_vnni:
      return "avx2_vnni";
    case dnnl::cpu_isa::avx2_vnni_2:
      return "avx2_vnni_2";
    case dnnl::cpu_isa::avx512_core:
      return "avx512_core";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "avx512_core_vnni";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "avx512_core_bf16";
    case dnnl::cpu_isa::avx512_core_fp16:
      return "avx512_core_fp16";
    case dnnl::cpu_isa::avx512_core_amx:
      return "avx512_core_amx";
    default:
      return "level " + std::to_string(static_cast<int>(isa));
  }
}

}  // namespace

const dnnl::engine& engine() {
  static const dnnl::engine instance = [] {
    capInstructionSet();
    return dnnl::engine(dnnl::engine::kind::cpu, 0);
  }();
  return instance;
}

dnnl::stream& stream() {
  thread_local dnnl::stream instance(engine());
  return instance;
}

dnnl::memory::desc toDesc(const TensorDesc& desc) {
  if (desc.dtype != DataType::Float32) throwExpected(kWhere, "float32", std::string(toString(desc.dtype)));
  if (desc.dims.empty()) return plainDesc({1});
  const bool last = desc.layout == Layout::ChannelsLast && desc.dims.size() >= 3;
  const dnnl::memory::dims dims = checkedDims(desc.dims);
  return {dims, dnnl::memory::data_type::f32, last ? channelsLastStrides(desc.dims) : rowMajorStrides(desc.dims)};
}

dnnl::memory::desc plainDesc(const Dims& dims) { return {checkedDims(dims), dnnl::memory::data_type::f32, rowMajorStrides(dims)}; }

dnnl::memory::desc anyDesc(const Dims& dims) { return {checkedDims(dims), dnnl::memory::data_type::f32, Tag::any}; }

bool canFuse(const KernelRequest& request, const PostOp& postOp) {
  switch (postOp.kind) {
    case PostOp::Kind::Activation:
      return eltwiseOf(*postOp.activation).has_value();
    case PostOp::Kind::Gate:
      return gateOf(*postOp.activation).has_value();
    case PostOp::Kind::Sum: {
      for (const PostOp& present : request.postOps) {
        if (present.kind == PostOp::Kind::Sum) return false;
      }
      return request.inputs[postOp.input].dims == request.outputs[0].dims;
    }
  }
  return false;
}

void appendPostOps(dnnl::post_ops& ops, const KernelRequest& request) {
  for (const PostOp& postOp : request.postOps) {
    if (postOp.kind == PostOp::Kind::Sum) {
      if (postOp.inPlace) {
        ops.append_sum(1.0F);
      } else {
        ops.append_binary(dnnl::algorithm::binary_add, toDesc(request.inputs[postOp.input]));
      }
      continue;
    }
    const auto eltwise = postOp.kind == PostOp::Kind::Gate ? gateOf(*postOp.activation) : eltwiseOf(*postOp.activation);
    if (!eltwise) throwExpected(kWhere, "an activation that oneDNN knows", postOp.activation->type());
    ops.append_eltwise(eltwise->algorithm, eltwise->alpha, eltwise->beta);
  }
}

dnnl::primitive_attr makeAttributes(const KernelRequest& request) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  dnnl::post_ops ops;
  appendPostOps(ops, request);
  attributes.set_post_ops(ops);
  return attributes;
}

Call::Call(const dnnl::primitive& primitive) : mPrimitive(primitive), mArguments(static_cast<std::size_t>(numThreads())) {}

void Call::bind(int argument, const dnnl::memory::desc& desc) {
  for (Arguments& arguments : mArguments) arguments[argument] = dnnl::memory(desc, engine(), DNNL_MEMORY_NONE);
}

void Call::bind(int argument, const dnnl::memory& memory) {
  for (Arguments& arguments : mArguments) arguments[argument] = memory;
}

// Outside of a team of ours the number is that of a caller's team, of any size; nobody else runs this call then.
Call::Arguments& Call::own() { return mArguments.at(static_cast<std::size_t>(omp_get_thread_num()) % mArguments.size()); }

void Call::set(int argument, const void* data) { own().at(argument).set_data_handle(const_cast<void*>(data)); }

void Call::execute() { mPrimitive.execute(stream(), own()); }

dnnl::memory packed(const void* values, const dnnl::memory::desc& from, const dnnl::memory::desc& to) {
  dnnl::memory source(from, engine(), const_cast<void*>(values));
  dnnl::memory target(to, engine());
  dnnl::reorder(source, target).execute(stream(), source, target);
  return target;
}

}  // namespace Aidge::cpu::onednn

namespace Aidge::cpu {

UsedInstructionSets usedInstructionSets() {
  static_cast<void>(onednn::engine());  // the cap is applied before oneDNN is asked
  const std::optional<InstructionSet> cap = instructionSetCap();
  return {.loops = std::string(toString(bestInstructionSet())),
          .onednn = onednn::nameOfIsa(dnnl::get_effective_cpu_isa()),
          .cap = cap ? std::string(toString(*cap)) : std::string()};
}

}  // namespace Aidge::cpu
