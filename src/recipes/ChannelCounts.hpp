#pragma once
// Numbers that a graph computes from dims, such as the targets of Reshape and Resize, and how they change when channels are removed.

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ChannelLabels.hpp"
#include "aidge/graph/Node.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge::detail {

/// One axis of a tensor.
struct Extent {
  LabelGrid grid;
  DimIdx_t axis = 0;
  DimSize_t size = 0;  ///< before the cut
};
using ExtentPtr = std::shared_ptr<const Extent>;

[[nodiscard]] ExtentPtr extentOf(const Atoms& atoms, const LabelGrid& grid, DimIdx_t axis, DimSize_t size);

/// One number. After a cut it is value + Σ weight · (extent after - extent before), if it is linear.
struct Count {
  struct Term {
    ExtentPtr extent;
    double weight = 1.0;
  };
  double value = 0.0;  ///< before the cut
  std::vector<Term> terms;
  bool isLinear = true;       ///< else it depends on the terms in a way that is not followed
  NodePtr literal = nullptr;  ///< the constant of which it is an element, unchanged
  std::size_t place = 0;      ///< which element
};
/// One entry for each element of a tensor, in row-major order. Empty: the tensor is not computed from dims.
using Counts = std::vector<Count>;

/// Inputs that an operator moves to its outputs, element by element; empty: it calculates. `count`: of its inputs.
[[nodiscard]] std::vector<IOIndex_t> movedInputs(const Operator& op, std::size_t count);
/// The elements of a constant of integers; empty for other constants.
[[nodiscard]] Counts literalCounts(const NodePtr& constant);

/// What a number has to be after the cut.
struct CountDemand {
  Count count;
  std::vector<ExtentPtr> extents;  ///< their sum; none: what it was before
  std::string where;               ///< the node that needs it, as messages name it
  bool isWhole = false;            ///< instead: a whole number, whatever is removed
};

/// An element of a constant that becomes the sum of these extents.
struct LiteralEdit {
  NodePtr constant;
  std::size_t place = 0;
  std::vector<ExtentPtr> extents;
};

/// Follows numbers through the operators that move them and calculate with them.
class CountTracer {
 public:
  CountTracer(const Atoms& atoms, std::vector<CountDemand>& demands) : mAtoms(atoms), mDemands(demands) {}

  /// Of a Shape or Size: `grid` is the data's.
  [[nodiscard]] Counts dimsOf(const Operator& op, const LabelGrid& grid, const Dims& dims, const TensorInfo& result) const;
  /// One entry for each output of a node; `inputs`: nullptr for numbers that no cut changes. All values are known.
  [[nodiscard]] std::vector<Counts> follow(const NodePtr& node, std::span<const Counts* const> inputs, std::span<const TensorInfo> infos,
                                           std::span<const TensorInfo> results);

 private:
  [[nodiscard]] std::vector<Counts> moved(const NodePtr& node, std::span<const Counts* const> inputs, std::span<const TensorInfo> infos,
                                          std::span<const TensorInfo> results);
  [[nodiscard]] Count calculated(const NodePtr& node, std::span<const Count> operands, double value);
  [[nodiscard]] Counts elementwise(const NodePtr& node, std::span<const Counts* const> inputs, std::span<const TensorInfo> infos,
                                   const TensorInfo& result);
  void keep(const NodePtr& node, const Counts& counts);

  const Atoms& mAtoms;
  std::vector<CountDemand>& mDemands;
};

/// How often each class that is not fixed counts in a sum of terms.
[[nodiscard]] std::map<Label, double> weightsOf(const Atoms& atoms, std::span<const Count::Term> terms);

/// Fixes the classes for which a demand does not hold. Returns what has to change in constants; `isCounted`: whether all readers of a constant were followed.
[[nodiscard]] std::vector<LiteralEdit> settle(Atoms& atoms, std::span<const CountDemand> demands,
                                              const std::function<bool(const NodePtr&)>& isCounted);

}  // namespace Aidge::detail
