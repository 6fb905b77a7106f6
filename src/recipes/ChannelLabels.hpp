#pragma once
// Who made each value of a tensor: labels, and arrays of them that repeat along most axes.

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "aidge/core/Types.hpp"

namespace Aidge::detail {

/// An atom (>= 0: one output channel of one layer, or one slice of a constant), or a reason why the value cannot be cut (< 0).
using Label = std::int64_t;

/// All atoms of a graph; those that can only go together are one class (union-find). A class can be fixed, for a reason.
class Atoms {
 public:
  /// New atoms; the first of them, the others follow.
  Label make(std::size_t count);
  /// A label for values that cannot be cut; `what` they are: "the graph input \"x\"".
  Label fixedLabel(const std::string& what);
  /// The class: its first atom. A fixed label is its own.
  [[nodiscard]] Label find(Label label) const;
  /// Both can only go together, from now on, as they meet at `where`.
  void unite(Label a, Label b, const std::string& where);
  void fix(Label label, const std::string& reason);
  [[nodiscard]] bool isFixed(Label label) const;
  /// Why a fixed one is.
  [[nodiscard]] const std::string& reason(Label label) const;
  /// The class, or one value for all that is fixed.
  [[nodiscard]] Label key(Label label) const { return isFixed(label) ? -1 : find(label); }
  [[nodiscard]] std::size_t size() const noexcept { return mParents.size(); }

 private:
  mutable std::vector<Label> mParents;
  std::map<Label, std::string> mReasons;  ///< of fixed classes
  std::vector<std::string> mFixedLabels;
};

/// A label for each value of a tensor, as an array of the tensor's rank in which an extent of 1 repeats along the axis.
struct LabelGrid {
  Dims extents;
  std::vector<Label> labels;  ///< row-major

  [[nodiscard]] static LabelGrid uniform(std::size_t rank, Label label) { return {Dims(rank, 1), {label}}; }
  /// Labels along one axis.
  [[nodiscard]] static LabelGrid along(std::size_t rank, DimIdx_t axis, std::vector<Label> labels);
};

/// The labels under larger extents (those of 1 repeated).
[[nodiscard]] LabelGrid expanded(const LabelGrid& grid, const Dims& extents);
/// Axes along which the classes differ.
[[nodiscard]] std::vector<DimIdx_t> varyingAxes(const Atoms& atoms, const LabelGrid& grid);
/// Without the axes along which the labels repeat.
[[nodiscard]] LabelGrid compacted(const Atoms& atoms, const LabelGrid& grid);
/// Unites all labels that differ along `axis` only; the grid has extent 1 there.
[[nodiscard]] LabelGrid united(Atoms& atoms, const LabelGrid& grid, DimIdx_t axis, const std::string& where);
/// Axis i of the result is axis order[i].
[[nodiscard]] LabelGrid permuted(const LabelGrid& grid, std::span<const DimIdx_t> order);
/// The grid of a tensor of dims `from` that is read under dims `to` of as many elements.
[[nodiscard]] LabelGrid reshaped(const LabelGrid& grid, const Dims& from, const Dims& to);
/// The labels at these places of an axis of extent `extent`.
[[nodiscard]] LabelGrid taken(const LabelGrid& grid, DimIdx_t axis, DimSize_t extent, std::span<const std::int64_t> places);
/// Labels one axis at a time: {label at index i of `axis`}, for a grid that varies there at most; `extent` of them.
[[nodiscard]] std::vector<Label> labelsAlong(const LabelGrid& grid, DimIdx_t axis, DimSize_t extent);

}  // namespace Aidge::detail
