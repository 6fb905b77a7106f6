#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/core/Types.hpp"
#include "aidge/data/Tensor.hpp"
#include "aidge/graph/Observer.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge {

/// Dims (logical, channels on axis 1), type and memory order of a buffer.
struct TensorDesc {
  Dims dims;
  DataType dtype = DataType::Float32;
  Layout layout = Layout::Plain;

  [[nodiscard]] std::size_t elements() const { return elementCount(dims); }
  [[nodiscard]] std::size_t bytes() const { return elements() * sizeOf(dtype); }
};

/// Work on a kernel's result before it is stored; applied in the order of KernelRequest::postOps.
struct PostOp {
  /// Activation: f(x). Sum: x + another tensor. Gate: x * f(x).
  enum class Kind : std::uint8_t { Activation, Sum, Gate };
  Kind kind = Kind::Activation;
  const Operator* activation = nullptr;  ///< Kind::Activation and Kind::Gate: the operator (ReLU, Clip, …)
  std::size_t input = 0;  ///< Kind::Sum: index in KernelRequest::inputs of the tensor (same dims and layout as the output) to add
  bool inPlace = false;   ///< Kind::Sum: that tensor lies in the output's buffer already
};

/// Asks a kernel for the signs of its result before an activation that comes last, besides the activation itself.
struct CountedActivation {
  const Operator* op = nullptr;  ///< nullptr: nothing is to be counted
  double upper = 0.0;            ///< as in BackendServices::signActivation
};

/// What the planner asks a kernel for.
struct AIDGE_EXPORT KernelRequest {
  const Operator* op = nullptr;  ///< nullptr for the planner's own types ("Reorder")
  std::vector<TensorDesc>
      inputs;  ///< one an operator input (missing optional: empty dims and `present[i] == false`), then the post-ops' extra ones
  std::vector<bool> present;
  std::vector<const Tensor*>
      constants;  ///< per input its value where that is constant (row-major, may be altered by folding), else nullptr; kernels must copy what they need
  std::vector<TensorDesc> outputs;
  std::vector<PostOp> postOps;
  CountedActivation counted{};              ///< after the post-ops
  const BackendOptions* options = nullptr;  ///< nullptr: none

  /// What shape inference knows of the inputs.
  [[nodiscard]] std::vector<TensorInfo> infos() const;
};

/// Sign balance of a tensor while it is being summed up over the parts of a batch.
struct SignAccumulator {
  double negative = 0.0;
  double positive = 0.0;
  std::vector<std::uint8_t> active;  ///< one a channel (axis 1)
};

/// A prepared computation for fixed shapes and layouts.
class AIDGE_EXPORT Kernel {
 public:
  virtual ~Kernel() = default;
  /// Pointers in the order of KernelRequest (null for missing inputs and for constants that `readsConstant` denies). `scratch` has scratchBytes() bytes, 64-byte aligned.
  /// Several threads of one OpenMP team may run one kernel at a time, for different parts of a batch, each with scratch of its own. Threads of
  /// different teams may not: what a kernel keeps for a thread is found by the thread's number in its team. Every plan has kernels of its own.
  virtual void run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte* scratch) = 0;
  /// The same where KernelRequest::counted is set: also adds the signs to the accumulator. Throws std::logic_error by default.
  virtual void runCounting(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte* scratch, SignAccumulator& signs);
  [[nodiscard]] virtual std::size_t scratchBytes() const { return 0; }
  /// Memory that this kernel keeps for itself, such as packed weights.
  [[nodiscard]] virtual std::size_t packedBytes() const { return 0; }
  /// Whether `run` reads input `index` where that is a constant (false once it is packed: the plan may then free it).
  [[nodiscard]] virtual bool readsConstant(std::size_t /*index*/) const { return true; }
  /// Implementation name for reports ("brgconv:avx512_core", "concat").
  [[nodiscard]] virtual std::string implementation() const = 0;
};

/// Which memory orders a kernel takes. Tensors of rank < 3 are always row-major. A tensor with one channel, or whose spatial axes all have
/// size 1, lies the same way in both orders; it carries the tag of its neighbours.
enum class LayoutRule : std::uint8_t {
  PlainOnly,  ///< every input and output row-major
  PreferChannelsLast,  ///< convolution, pooling …: channels-last in and out where the tensors have a spatial axis (a row-major first input is also accepted)
  AnyOrder,  ///< input 0 in the order that it has, others row-major; the output in the same order where axis 1 stays the channels (`keepsChannels`), else row-major
  SameAsInput  ///< elementwise: the order of the biggest inputs; inputs of the output's rank are brought to it, those of lower rank are row-major
};

/// How one backend runs one operator type.
struct AIDGE_EXPORT KernelFactory {
  LayoutRule layout = LayoutRule::PlainOnly;
  /// With LayoutRule::PreferChannelsLast: the kernel also takes a row-major first input, at no extra cost if it has at most this many channels (a picture).
  /// 0: channels-last only.
  DimSize_t plainChannels = 0;
  std::function<bool(const Operator&)> keepsChannels;  ///< with LayoutRule::AnyOrder, for outputs of the input's rank; empty: never
  bool inPlace = false;                                ///< output 0 may lie on input 0 (where dims and layout agree)
  /// Empty: no; else whether this post-op can be fused after those that the request has already. Layouts are not yet chosen when it is asked.
  std::function<bool(const KernelRequest&, const PostOp&)> canFuse;
  /// Empty: no; else whether the kernel can count signs before this activation, after the request's post-ops.
  std::function<bool(const KernelRequest&, const Operator& activation)> canCount;
  /// Empty: always; else a reason in words why this node cannot run ("" if it can). For compile's list of offenders.
  std::function<std::string(const Operator&, std::span<const TensorInfo>)> unsupported;
  std::function<std::unique_ptr<Kernel>(const KernelRequest&)> create;
};

/// A thread made ready to plan and run.
struct ThreadScope {
  int threads = 1;                          ///< that the kernels will use
  std::shared_ptr<void> restore = nullptr;  ///< its end, in the same thread, undoes what was set for the thread
};

/// What a backend offers besides kernels.
struct AIDGE_EXPORT BackendServices {
  /// Called in the thread that is about to plan or run.
  std::function<ThreadScope()> enterThread;
  /// A number for the present values of the options that plans depend on.
  std::function<int()> options;
  /// Throws std::invalid_argument for an option of GraphView::compile that the backend does not know or a value that it cannot have.
  std::function<void(std::string_view name, std::string_view value)> checkOption;
  /// Adds the signs of `in` to the accumulator and writes activation(in) to `out` (may be `in`; nullptr: statistics only, `activation` is then unused).
  std::function<void(const float* in, float* out, std::span<const DimSize_t> dims, Layout layout, const Operator* activation, double upper,
                     SignAccumulator& accumulator)>
      signActivation;
  /// Writes one value an image and a channel to `out`, row-major (dims[0], channels), NaN if an image's channel holds NaN or infinity.
  std::function<void(const float* in, std::span<const DimSize_t> dims, Layout layout, Pooling pooling, double* out)> poolValues;
};

/// Kernels by backend name and operator type. Backends add theirs when they are loaded.
class AIDGE_EXPORT KernelRegistry {
 public:
  /// Throws std::logic_error if the backend has a kernel of this type already.
  static bool add(std::string_view backend, std::string_view type, KernelFactory factory);
  [[nodiscard]] static const KernelFactory* find(std::string_view backend, std::string_view type);
  /// Why the backend's kernel cannot run this operator on these inputs: a type that its InputSpec does not list, or what KernelFactory::unsupported says; "" where
  /// it can.
  [[nodiscard]] static std::string refusal(const KernelFactory& factory, const Operator& op, std::span<const TensorInfo> inputs);
  static bool setServices(std::string_view backend, BackendServices services);
  /// Empty functions where the backend offers none.
  [[nodiscard]] static const BackendServices& services(std::string_view backend);
  [[nodiscard]] static bool hasBackend(std::string_view backend);
  [[nodiscard]] static std::vector<std::string> backends();
};

}  // namespace Aidge
