#pragma once

#include "Program.hpp"

/// Rewritings of a program, in the order in which a plan applies them. Each keeps what hooks, observers and exports see.
namespace Aidge::plan {

/// Removes what only renames values, computes what depends on constants only (results up to a size), drops what nobody uses.
void simplify(Program& program);

/// Joins Reshape, Transpose and Reshape (or only one of these) around each other into one step that goes from memory to memory in whatever order the data
/// has, as far as nobody sees what is between: channel shuffles, pixel shuffles, heads that move channels to the end.
void fuseRearrangements(Program& program);

/// Turns an activation whose input is watched for its signs into one step with the sign summary.
void fuseObservers(Program& program);

/// Folds BatchNorm and per-channel constant Mul, Add, Sub, Div into the weights of the convolution or FC before them (in double), where
/// nobody else sees that one's result: W' = a W, b' = a b + c for y = a x + c.
void foldAffine(Program& program);

/// Moves additions and activations into the kernel before them, as far as that kernel can take them and nobody else sees its result.
void fusePostOps(Program& program);

/// Gives every value a memory order and inserts the reorders that the kernels' rules demand; reshaped values become aliases.
void assignLayouts(Program& program);

/// Cuts the steps into segments that run for a part of the batch at a time, so that what passes from step to step stays in the cache: the fewer images the
/// bigger they are. The parts of a segment are independent of each other: each of `threads` threads takes the next one. Steps that mix images, and those that show whole tensors to hooks, see the whole batch. Marks values that live within one segment.
void assignSegments(Program& program, int threads);

/// Runs the step's kernel once on constant inputs, row-major.
[[nodiscard]] std::vector<Tensor> evaluateConstant(const Program& program, const Step& step);

/// The same values in another memory order (evaluated with the backend's "Reorder" kernel). `tensor` must have the order `from`.
[[nodiscard]] Tensor reorderConstant(const Program& program, const Tensor& tensor, Layout from, Layout to);

}  // namespace Aidge::plan
