#pragma once

#include <cstddef>
#include <cstdint>

#include "aidge/core/InstructionSet.hpp"

namespace Aidge::cpu {

/// Sums over one run of values: magnitudes of the negative ones, the others, and what lies above an upper bound.
struct SignSums {
  double negative = 0.0;
  double positive = 0.0;
  double above = 0.0;
};

enum class UnaryLoop : std::uint8_t {
  Relu,
  LeakyRelu,
  Clip,
  Sigmoid,
  Tanh,
  HardSigmoid,
  HardSwish,
  GeluErf,
  GeluTanh,
  Elu,
  Selu,
  Celu,
  Softplus,
  Softsign,
  ThresholdedRelu,
  Mish,
  Swish,
  Exp,
  Abs,
  Neg,
  Sqrt,
  Reciprocal,
};
inline constexpr std::size_t kUnaryLoops = 22;

enum class BinaryLoop : std::uint8_t { Add, Sub, Mul, Div, Prelu };
inline constexpr std::size_t kBinaryLoops = 5;

/// Innermost loops over consecutive floats, one table an instruction set. Pointers need no alignment; `out` may equal an input,
/// otherwise they must not overlap. Internal to the backend: kernels call them on blocks that fit the cache.
struct VectorLoops {
  using Sums = void (*)(const float* in, float* out, std::size_t n, float upper, float slope, SignSums* sums);
  using Unary = void (*)(const float* in, float* out, std::size_t n, float a, float b);
  using Binary = void (*)(const float* a, const float* b, float* out, std::size_t n);

  InstructionSet instructionSet;
  /// Adds to `sums` (float trees of 32 vectors, then double). NaN and infinity make the sums non-finite. `above` only where upper is finite.
  /// signRelu also writes max(v, 0) to `out`, signLeaky v or slope * v, signClip min(max(v, 0), upper) where 0 < upper < infinity
  /// (it adds what lies above to `negative`); signSums leaves `out` alone.
  Sums signSums;
  Sums signRelu;
  Sums signLeaky;
  Sums signClip;
  /// Whether some value is > 0; whether all are.
  bool (*anyPositive)(const float* in, std::size_t n);
  bool (*allPositive)(const float* in, std::size_t n);
  /// most[c] = the largest of most[c] and the values of column c of a block whose rows are `stride` apart.
  void (*maximumColumns)(const float* in, std::size_t rows, std::size_t stride, std::size_t columns, float* most);
  /// The same for rows that follow each other; false where a value is NaN or infinite.
  bool (*finiteMaximumColumns)(const float* in, std::size_t rows, std::size_t columns, float* most);
  /// sums[c] += the values of column c, in double.
  void (*sumColumns)(const float* in, std::size_t rows, std::size_t columns, double* sums);
  /// False if a value is NaN or infinite.
  bool (*allFinite)(const float* in, std::size_t n);
  /// By UnaryLoop. (a, b): LeakyRelu (slope, -), Clip (min, max), HardSigmoid (alpha, beta), Selu (alpha, gamma), Elu, Celu, ThresholdedRelu and Swish (alpha, -),
  /// else unused.
  Unary unary[kUnaryLoops];
  /// By BinaryLoop: both vectors; the second one a single value; the first one a single value.
  Binary vectorVector[kBinaryLoops];
  Binary vectorScalar[kBinaryLoops];
  Binary scalarVector[kBinaryLoops];
  /// out = in * scale + shift with vectors; with single values (*scale, *shift).
  void (*affineVector)(const float* in, const float* scale, const float* shift, float* out, std::size_t n);
  void (*affineScalar)(const float* in, const float* scale, const float* shift, float* out, std::size_t n);
  /// Largest value (-inf for n = 0); NaN is not promised to win.
  float (*maximum)(const float* in, std::size_t n);
  /// out = exp(in - offset); returns the sum.
  double (*expSum)(const float* in, float* out, std::size_t n, float offset);
  /// Sum of the values in double.
  double (*sum)(const float* in, std::size_t n);
  /// acc[c] += in[c].
  void (*accumulate)(const float* in, double* acc, std::size_t n);

  [[nodiscard]] Unary loop(UnaryLoop which) const { return unary[static_cast<std::size_t>(which)]; }
};

/// The table of one instruction set; nullptr if the processor or the build lacks it.
[[nodiscard]] const VectorLoops* findVectorLoops(InstructionSet set);
/// The best table that this processor can run.
[[nodiscard]] const VectorLoops& vectorLoops();

}  // namespace Aidge::cpu
