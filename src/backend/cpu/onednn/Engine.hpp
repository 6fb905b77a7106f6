#pragma once

#include <dnnl.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "aidge/backend/Kernel.hpp"

/// What the kernels on oneDNN share. Internal: no header outside this folder includes dnnl.hpp.
namespace Aidge::cpu::onednn {

/// The one CPU engine.
[[nodiscard]] const dnnl::engine& engine();
/// A stream of the calling thread.
[[nodiscard]] dnnl::stream& stream();

/// Memory descriptor of a buffer. Throws std::invalid_argument if a type or an extent is beyond what oneDNN can take.
[[nodiscard]] dnnl::memory::desc toDesc(const TensorDesc& desc);
/// Descriptor that leaves the memory order to the primitive.
[[nodiscard]] dnnl::memory::desc anyDesc(const Dims& dims);
/// Row-major descriptor of dims.
[[nodiscard]] dnnl::memory::desc plainDesc(const Dims& dims);

/// Whether oneDNN can apply this post-op after a kernel's own work.
[[nodiscard]] bool canFuse(const KernelRequest& request, const PostOp& postOp);

/// Appends the request's post-ops: an addition is a sum where the tensor lies in the output already, else a binary post-op.
void appendPostOps(dnnl::post_ops& ops, const KernelRequest& request);
/// Attributes of a primitive: user-managed scratchpad and the request's post-ops. Build one for every primitive: copies share state.
[[nodiscard]] dnnl::primitive_attr makeAttributes(const KernelRequest& request);

/// Bytes up to the next address that a buffer behind these may begin at.
[[nodiscard]] constexpr std::size_t aligned(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

/// A copy of `values` (described by `from`) in the order `to`.
[[nodiscard]] dnnl::memory packed(const void* values, const dnnl::memory::desc& from, const dnnl::memory::desc& to);

/// A primitive with its arguments, whose pointers are set at every run. Each thread of a team has arguments of its own.
class Call {
 public:
  Call() = default;
  explicit Call(const dnnl::primitive& primitive);

  /// An argument whose memory comes later through `set`.
  void bind(int argument, const dnnl::memory::desc& desc);
  /// An argument with memory of its own, which all threads share.
  void bind(int argument, const dnnl::memory& memory);
  void set(int argument, const void* data);
  void execute();

 private:
  using Arguments = std::unordered_map<int, dnnl::memory>;
  [[nodiscard]] Arguments& own();

  dnnl::primitive mPrimitive;
  std::vector<Arguments> mArguments;  ///< one a thread
};

}  // namespace Aidge::cpu::onednn
