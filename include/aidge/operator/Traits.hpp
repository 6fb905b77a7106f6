#pragma once
// What an operator type is, for the code that plans and rewrites networks. That code asks for traits and never compares type names.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/core/Types.hpp"
#include "aidge/data/Tensor.hpp"

namespace Aidge {

class Operator;
struct TensorInfo;

/// The kind of work that an operator does.
enum class Role : std::uint8_t {
  Unstated,               ///< the schema does not say: an error that the registry's test reports
  Other,                  ///< none of the kinds below; also all generic and meta operators
  Constant,               ///< holds a value: Producer
  Convolution,            ///< data, weight (out, in / groups, kernel …), optional bias
  TransposedConvolution,  ///< data, weight (in, out / groups, kernel …), optional bias
  FullyConnected,         ///< data, weight (out, in), optional bias
  MatrixProduct,          ///< Gemm, MatMul
  BatchNorm,              ///< normalisation with fixed statistics
  Normalisation,          ///< normalisation with statistics of the data itself
  MaxPooling,             ///< `spatial` is 0 for the global form, as for the next two
  AveragePooling,
  PowerPooling,
  Unary,                ///< y = f(x) for one input and one output of the same type
  ParametricRectifier,  ///< PReLU
  Sum,                  ///< Add, with broadcasting, as all roles up to Elementwise
  Difference,
  Product,
  Quotient,
  Elementwise,       ///< any other function of single values of its inputs
  Conversion,        ///< the values in another type: Cast
  Selection,         ///< input 1 where input 0 holds, else input 2: Where
  Reduction,         ///< along some axes
  AverageReduction,  ///< ReduceMean
  Renaming,          ///< the output is the input
  Reshaping,         ///< the output is the row-major input under other dims
  DimsQuery,         ///< the output follows from the dims of the input: it is known before a run, and needs no kernel
  Transposition,
  Concatenation,
  Padding,
};

/// How the outputs for a part of the batch (axis 0) depend on the inputs.
enum class BatchRule : std::uint8_t {
  Unstated,
  Whole,      ///< only the whole batch can be computed
  PerSample,  ///< from the same part of the first input; the others must be constant
  Joint       ///< from the same part of all inputs, which share axis 0
};

struct BatchTrait {
  BatchRule rule = BatchRule::Unstated;
  /// Whether the rule holds for these attributes and inputs; nullptr: always.
  bool (*holds)(const Operator&, std::span<const TensorInfo> inputs) = nullptr;
};

/// How channels pass an operator, for removing them: the name of a rule in recipes.
enum class ChannelRule : std::uint8_t {
  Unstated,
  Refused,      ///< they do not: ChannelTrait::refusal says why
  Pass,         ///< the output's channels are those of input 0, value by value
  Broadcast,    ///< all inputs share channels, with NumPy's broadcasting
  Convolution,  ///< of either direction
  FullyConnected,
  Gemm,
  MatMul,
  PerChannel,      ///< constant inputs have one entry for each channel of axis 1
  Scaled,          ///< value by value; constant inputs have one entry, or one for each index of the attribute `axis`
  WithinChannel,   ///< works on each (sample, channel) by itself
  AlongAxis,       ///< mixes what lies along the attribute `axis`
  FromAxis,        ///< mixes what lies along the axes from the attribute `axis` on; the other inputs broadcast
  AcrossChannels,  ///< mixes axis 1
  Grouped,         ///< mixes groups of channels of axis 1
  Reduce,
  Regroup,  ///< the same values under other dims, without attributes that count channels
  Reshape,
  Squeeze,
  Transpose,
  Concat,
  Pad,
  Split,
  Slice,
  Gather,  ///< picks slices along the attribute `axis`
  Repeat,  ///< repeats the data along axes
  Resize,
  DepthToSpace,
  SpaceToDepth
};
inline constexpr std::size_t kChannelRules = static_cast<std::size_t>(ChannelRule::SpaceToDepth) + 1;

struct ChannelTrait {
  ChannelRule rule = ChannelRule::Unstated;
  std::string refusal{};  ///< with ChannelRule::Refused: continues "feeds <node>, ", for example "which sorts values"
};

/// y = factor · x + offset, with one entry for each channel (axis 1) of the data.
struct AIDGE_EXPORT ChannelAffine {
  std::vector<double> factor;
  std::vector<double> offset;
};

/// What an operator does to the data at input `data` (dims: `dims`) as an affine map, where that follows from its constant inputs. `inputs`: one entry for
/// each input, nullptr if it is not constant. nullopt: it is no such map, or the map is not finite.
using AffineRule = std::optional<ChannelAffine> (*)(const Operator&, IOIndex_t data, const Dims& dims,
                                                    std::span<const Tensor* const> inputs);
/// For operators that are no affine map of their data.
[[nodiscard]] AIDGE_EXPORT std::optional<ChannelAffine> notAffine(const Operator&, IOIndex_t data, const Dims& dims,
                                                                  std::span<const Tensor* const> inputs);

/// If an operator passes values above 0 on (nearly) as they are and holds those below back: the value above which it holds back too, else infinity.
/// nullopt: it is no such activation.
using RectifierRule = std::optional<double> (*)(const Operator&);
[[nodiscard]] AIDGE_EXPORT std::optional<double> notRectifier(const Operator&);

/// All traits of a type. A schema has to state every one of them.
struct OperatorTraits {
  Role role = Role::Unstated;
  std::size_t spatial = 0;  ///< spatial axes that the type is made for; 0: any number, or it does not know of such axes
  BatchTrait batch{};
  ChannelTrait channels{};
  AffineRule affine = nullptr;        ///< nullptr: not stated
  RectifierRule rectifier = nullptr;  ///< nullptr: not stated
};

}  // namespace Aidge
