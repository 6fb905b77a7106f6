#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "aidge/backend/Kernel.hpp"
#include "aidge/core/Export.hpp"
#include "aidge/data/Tensor.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge {

/// One generic operator made ready to run for inputs of fixed types and dims.
class AIDGE_EXPORT GenericKernel {
 public:
  virtual ~GenericKernel() = default;
  /// One tensor an output, row-major. `inputs`: one an operator input, row-major; undefined where nothing is connected, and where the value was known already
  /// when the kernel was made. Throws std::runtime_error where the operator cannot take the values.
  [[nodiscard]] virtual std::vector<Tensor> run(std::span<const Tensor> inputs) = 0;
};

/// Runs generic operators, whatever the backend of the graph: something outside this library (ONNX Runtime, say).
class AIDGE_EXPORT GenericProvider {
 public:
  virtual ~GenericProvider() = default;
  /// Why this operator cannot run, as far as that shows without its inputs; "" if it can.
  [[nodiscard]] virtual std::string refusal(const Operator& op) = 0;
  /// Types and dims of the outputs; nullopt if the provider knows nothing of the operator. Throws DataDependentError where only a run tells the dims, std::invalid_argument
  /// where the inputs do not fit.
  [[nodiscard]] virtual std::optional<std::vector<TensorInfo>> infer(const Operator& op, std::span<const TensorInfo> inputs) = 0;
  /// The kernel; it copies what it needs of the inputs' values. Throws UnsupportedError if it cannot be made.
  [[nodiscard]] virtual std::unique_ptr<GenericKernel> create(const Operator& op, std::span<const TensorInfo> inputs) = 0;
};

/// From now on `provider` runs generic operators and infers their outputs (nullptr: nobody does).
AIDGE_EXPORT void setGenericProvider(std::shared_ptr<GenericProvider> provider);
/// nullptr if there is none.
[[nodiscard]] AIDGE_EXPORT std::shared_ptr<GenericProvider> genericProvider();

/// What the provider says of the operator's outputs; nullopt without a provider.
[[nodiscard]] AIDGE_EXPORT std::optional<std::vector<TensorInfo>> inferGeneric(const Operator& op, std::span<const TensorInfo> inputs);
/// Why the generic operator cannot run, "" if it can.
[[nodiscard]] AIDGE_EXPORT std::string genericRefusal(const Operator& op);
/// Makes the provider's kernels steps of a plan: row-major, for the whole batch.
[[nodiscard]] AIDGE_EXPORT const KernelFactory& genericFactory();

}  // namespace Aidge
