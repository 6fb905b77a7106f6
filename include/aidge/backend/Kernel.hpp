#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

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

/// Work on a kernel's result before it is stored.
struct PostOp {
  enum class Kind : std::uint8_t { Activation, Sum };
  Kind kind = Kind::Activation;
  const Operator* activation = nullptr;  ///< Kind::Activation: the operator (ReLU, Clip, …)
  std::size_t input = 0;                 ///< Kind::Sum: index in KernelRequest::inputs of the tensor (same dims as the output) to add
};

/// What the planner asks a kernel for.
struct KernelRequest {
  const Operator* op = nullptr;
  std::vector<TensorDesc> inputs;        ///< one an operator input (missing optional: empty dims and `present[i] == false`), then the post-ops' extra ones
  std::vector<bool> present;
  std::vector<const Tensor*> constants;  ///< per input its value where that is constant (row-major, may be altered by folding), else nullptr; kernels must copy what they need
  std::vector<TensorDesc> outputs;
  std::vector<PostOp> postOps;
};

/// A prepared computation for fixed shapes and layouts.
class Kernel {
 public:
  virtual ~Kernel() = default;
  /// Pointers in the order of KernelRequest (null for constants that were packed and for missing inputs). `scratch` has scratchBytes() bytes, 64-byte aligned.
  virtual void run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte* scratch) = 0;
  [[nodiscard]] virtual std::size_t scratchBytes() const { return 0; }
  /// Implementation name for reports ("brgconv:avx512_core", "concat").
  [[nodiscard]] virtual std::string implementation() const = 0;
};

/// Which memory orders a kernel takes.
enum class LayoutRule : std::uint8_t {
  PlainOnly,         ///< every input and output row-major
  PreferChannelsLast,///< convolution, pooling …: channels-last in and out where the tensors have a spatial axis (a row-major first input is also accepted)
  SameAsInput        ///< elementwise: whatever the first input has, all big inputs alike
};

/// How one backend runs one operator type.
struct KernelFactory {
  LayoutRule layout = LayoutRule::PlainOnly;
  bool inPlace = false;  ///< output 0 may lie on input 0 (same dims)
  /// Empty: no; else whether this post-op can be fused into this request.
  std::function<bool(const KernelRequest&, const PostOp&)> canFuse;
  /// Empty: always; else a reason in words why this node cannot run ("" where it can). For compile's list of offenders.
  std::function<std::string(const Operator&, std::span<const TensorInfo>)> unsupported;
  std::function<std::unique_ptr<Kernel>(const KernelRequest&)> create;
};

/// Kernels by backend name and operator type. Backends add theirs when they are loaded.
class KernelRegistry {
 public:
  static bool add(std::string_view backend, std::string_view type, KernelFactory factory);
  [[nodiscard]] static const KernelFactory* find(std::string_view backend, std::string_view type);
  [[nodiscard]] static bool hasBackend(std::string_view backend);
  [[nodiscard]] static std::vector<std::string> backends();
};

}  // namespace Aidge
