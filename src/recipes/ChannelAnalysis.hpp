#pragma once
// Channels of a whole graph, followed from the layers that make them to those that read them.

#include <functional>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "ChannelCounts.hpp"
#include "ChannelLabels.hpp"
#include "aidge/graph/GraphShapes.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge::detail {

/// Classes of atoms that go.
class ChannelCut {
 public:
  explicit ChannelCut(const Atoms& atoms) : mAtoms(&atoms), mGone(atoms.size(), false) {}
  void remove(Label label) { mGone[static_cast<std::size_t>(mAtoms->find(label))] = true; }
  void keep(Label label) { mGone[static_cast<std::size_t>(mAtoms->find(label))] = false; }
  [[nodiscard]] bool isGone(Label label) const { return label >= 0 && mGone[static_cast<std::size_t>(mAtoms->find(label))]; }
  /// Indices along an axis of extent `extent` that stay.
  [[nodiscard]] std::vector<std::int64_t> kept(const LabelGrid& grid, DimIdx_t axis, DimSize_t extent) const;
  /// The dims of a tensor of these labels.
  [[nodiscard]] Dims dims(const LabelGrid& grid, const Dims& before) const;
  /// Whether something of it would be left, and what goes is a part of one axis.
  [[nodiscard]] bool leavesSome(const LabelGrid& grid, const Dims& before) const;

 private:
  const Atoms* mAtoms;
  std::vector<bool> mGone;
};

/// A constant at an input, and the axes along which it is cut.
struct ConstantUse {
  NodePtr node;
  IOIndex_t input = 0;
  std::vector<LabelGrid> cuts;  ///< each over the constant's dims, varying along one axis
};

/// A layer with weights that makes one atom an output channel.
struct SourceRecord {
  NodePtr node;
  Label first = 0;
  std::size_t count = 0;
};

/// A layer with weights that reads channels: one label an input channel.
struct UseRecord {
  NodePtr node;
  IOIndex_t input = 0;
  std::vector<Label> labels;
};

/// An attribute that a cut changes: a count or a list of them.
using EditedValue = std::variant<std::int64_t, std::vector<std::int64_t>>;
struct AttributeEdit {
  NodePtr node;
  std::string name;
  std::function<EditedValue(const ChannelCut&)> value;
};

/// Labels and infos of one output.
struct LabelledTensor {
  NodePtr node;
  IOIndex_t output = 0;
  Dims dims;
  LabelGrid grid;
};

class ChannelAnalysis {
 public:
  /// `where`: for errors. Throws std::invalid_argument as channelGroups does.
  ChannelAnalysis(const char* where, const GraphView& graph, const std::vector<Dims>& dims);

  Atoms atoms;
  std::vector<LabelledTensor>
      tensors;  ///< of all nodes but producers, in topological order; the dims of some may be unknown, which are not here
  std::vector<ConstantUse> constants;
  std::vector<SourceRecord> sources;
  std::vector<UseRecord> uses;
  std::vector<UseRecord> products;  ///< of two tensors of data: one label for each index that is summed over
  std::vector<AttributeEdit> edits;
  std::vector<CountDemand> demands;       ///< of numbers that are computed from dims
  std::vector<LiteralEdit> literalEdits;  ///< elements of constants that a cut changes

  [[nodiscard]] const std::vector<Dims>& inputDims() const noexcept { return mInputDims; }
  [[nodiscard]] const LabelledTensor* find(const TensorRef& tensor) const;
  /// Multiply-accumulates of the nodes whose dims are known.
  [[nodiscard]] double macs() const noexcept { return mMacs; }
  /// Operators that have MACs and unknown dims.
  [[nodiscard]] std::size_t uncounted() const noexcept { return mUncounted; }

 private:
  struct Value {
    Dims dims;
    LabelGrid grid;
    bool isConstant = false;
    Counts counts;  ///< of a tensor that is computed from dims
  };

  void feedInputs(const GraphView& graph);
  [[nodiscard]] std::vector<Value> valuesAt(const GraphView& graph, const NodePtr& node) const;
  void follow(const NodePtr& node, const std::vector<Value>& inputs);
  /// Of a node that calculates with dims: gives its outputs their numbers. Returns whether it is one.
  bool followNumbers(const NodePtr& node, const std::vector<Value>& inputs);
  /// What the node computes with, but its rule did not follow, has to stay as it is.
  void keepNumbers(const NodePtr& node, const std::vector<Value>& inputs, const std::set<IOIndex_t>& followed);
  void settleNumbers(const GraphView& graph);
  void addTensor(const NodePtr& node, IOIndex_t output, Dims dims, LabelGrid grid);
  void fixOutputs(const GraphView& graph);
  /// A cut takes slices along one axis of a tensor: what differs along several is united along all but the longest.
  void makeCutsStraight();
  /// A constant that several inputs read is cut once: channels along which they cut it go together, or stay where one of them needs it whole.
  void tieConstants(const GraphView& graph);

  const char* mWhere;
  std::vector<Dims> mInputDims;
  GraphShapes mShapes;
  std::map<TensorRef, Value> mFed;
  std::map<TensorRef, std::size_t> mIndex;  ///< into `tensors`
  std::map<TensorRef, Counts> mCounts;      ///< of outputs that are computed from dims
  std::set<TensorRef> mCounted;             ///< inputs whose numbers are followed
  Label mConstantLabel = -1;
  double mMacs = 0.0;
  std::size_t mUncounted = 0;
};

}  // namespace Aidge::detail
