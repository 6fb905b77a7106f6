#pragma once
// What the operator families share: checks that end in "[operator::<type>] expected X, got Y", and spellings for schemas.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aidge/core/Errors.hpp"
#include "aidge/operator/Operator.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::detail {

using Ints = std::vector<std::int64_t>;
using Inputs = std::span<const TensorInfo>;
using InferFunction = std::vector<TensorInfo> (*)(const Operator&, Inputs);

/// Inputs of the layers with weights.
inline constexpr std::size_t kData = 0;
inline constexpr std::size_t kWeight = 1;
inline constexpr std::size_t kBias = 2;

// --- inputs ---------------------------------------------------------------------------------------------------------

/// Checks that all dims are known and their product fits memory. (Operator::infer has counted the inputs.)
void checkInputs(const Operator& op, Inputs inputs);
/// Whether something is connected to an input.
[[nodiscard]] bool isPresent(Inputs inputs, std::size_t index);
void requireRank(const Operator& op, Inputs inputs, std::size_t index, std::size_t rank);
void requireRankAtLeast(const Operator& op, Inputs inputs, std::size_t index, std::size_t rank);
void requireDims(const Operator& op, Inputs inputs, std::size_t index, const Dims& dims);
/// Throws unless every input that is there has the type of the first one. `offset`: index of that one among the operator's inputs.
void requireSameType(const Operator& op, Inputs inputs, std::size_t offset = 0);
/// Throws unless every input that is there has one of the types that its InputSpec lists.
void requireTypes(const Operator& op, Inputs inputs);
void requireFloat(const Operator& op, Inputs inputs);
void requireNumeric(const Operator& op, Inputs inputs);
[[nodiscard]] bool isFloat(DataType type);
/// "weight [16, 3, 3, 3]", for messages.
[[nodiscard]] std::string describeInput(const Operator& op, Inputs inputs, std::size_t index);
/// One output; throws if the product of its dims does not fit memory.
[[nodiscard]] std::vector<TensorInfo> result(Dims dims, DataType dtype);

// --- attributes -----------------------------------------------------------------------------------------------------

/// Throws unless the list has `size` entries, all in [low, high].
void requireList(const Operator& op, std::string_view name, std::size_t size, std::int64_t low, std::int64_t high);
void requireEntries(const Operator& op, std::string_view name, const Ints& values, std::size_t size, std::int64_t low, std::int64_t high);
void requireInt(const Operator& op, std::string_view name, std::int64_t low, std::int64_t high);
/// Throws unless the double is finite and at least `low`.
void requireFinite(const Operator& op, std::string_view name, double low);
void requireOneOf(const Operator& op, std::string_view name, std::span<const std::string_view> choices);
/// auto_pad, and `spatial` (2 × for padding_dims) entries in kernel_dims (or none where `kernelOptional`), stride_dims, dilation_dims and padding_dims.
void validateWindow(const Operator& op, std::size_t spatial, bool kernelOptional);
/// kernel_dims, stride_dims, dilation_dims, padding_dims and auto_pad with their defaults.
[[nodiscard]] AttributeMap windowAttributes(std::size_t spatial);

// --- traits ---------------------------------------------------------------------------------------------------------

// All of these are no affine map and no rectifier.

/// Needs the whole batch; channels end there, with a reason such as "which sorts values".
[[nodiscard]] OperatorTraits opaqueTraits(std::string refusal);
[[nodiscard]] OperatorTraits traitsOf(Role role, BatchRule batch, ChannelRule channels, std::size_t spatial = 0);
/// Works on the lines along the attribute `axis`, each by itself.
[[nodiscard]] OperatorTraits alongAxisTraits(Role role = Role::Other);
/// For BatchTrait::holds: the attribute `axis` is not the batch.
[[nodiscard]] bool sparesBatch(const Operator& op, Inputs inputs);
/// For OperatorTraits::rectifier: holds back what is below 0, and nothing above.
[[nodiscard]] std::optional<double> passesPositive(const Operator& op);
/// `affine`, or nullopt if one of its values is not finite.
[[nodiscard]] std::optional<ChannelAffine> finite(ChannelAffine affine);
/// For schemas with an attribute `axis`: one output like the data.
[[nodiscard]] std::vector<TensorInfo> inferAlongAxis(const Operator& op, Inputs inputs);

// --- broadcasting ---------------------------------------------------------------------------------------------------

/// Dims of all inputs from `first` on under NumPy's broadcasting.
[[nodiscard]] Dims commonDims(const Operator& op, Inputs inputs, std::size_t first = 0);
/// The inputs' common dims, in their common type or as truth values.
[[nodiscard]] std::vector<TensorInfo> inferBroadcast(const Operator& op, Inputs inputs);
[[nodiscard]] std::vector<TensorInfo> inferTruth(const Operator& op, Inputs inputs);
/// An elementwise operator on A and B with inferBroadcast.
[[nodiscard]] OperatorSchema broadcasting(std::string type, std::string formula, TypeSet types, AttributeMap attributes = {});

/// "Conv2D".
[[nodiscard]] std::string typeName(std::string_view family, std::size_t spatial);

}  // namespace Aidge::detail
