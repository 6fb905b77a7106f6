#pragma once
// How channels pass each operator.

#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "ChannelAnalysis.hpp"

namespace Aidge::detail {

/// One input of a node that is being followed.
struct RuleInput {
  Dims dims;
  LabelGrid grid;
  bool isPresent = false;
  bool isConstant = false;  ///< the output of a producer of the graph, which can be cut as needed
  Counts counts;            ///< its elements, if it is computed from dims
};

/// What a rule works on: inputs in, one grid an output out, and what a cut will have to change on the way.
class RuleScope {
 public:
  RuleScope(ChannelAnalysis& analysis, NodePtr node, std::vector<RuleInput> arriving, std::vector<Dims> leaving)
      : inputs(std::move(arriving)), outputs(std::move(leaving)), mAnalysis(analysis), mNode(std::move(node)) {}

  std::vector<RuleInput> inputs;
  std::vector<Dims> outputs;
  std::vector<LabelGrid> results;

  [[nodiscard]] Atoms& atoms() const noexcept { return mAnalysis.atoms; }
  [[nodiscard]] const NodePtr& node() const noexcept { return mNode; }
  [[nodiscard]] const Operator& op() const noexcept { return *mNode->getOperator(); }
  [[nodiscard]] bool has(IOIndex_t input) const { return input < inputs.size() && inputs[input].isPresent; }
  [[nodiscard]] bool isConstant(IOIndex_t input) const { return input < inputs.size() && inputs[input].isConstant; }

  /// Labels along `axis` of an input, which from now on differ along no other one.
  std::vector<Label> along(IOIndex_t input, DimIdx_t axis);
  /// Unites what differs along this axis of an input.
  void flatten(IOIndex_t input, DimIdx_t axis);
  /// Fixes all atoms of an input, for a reason like "is normalised across channels in lrn1 (LRN)".
  void fix(IOIndex_t input, const std::string& reason);
  /// The node cannot be cut: fixes all inputs and outputs.
  void fixAll(const std::string& why);
  /// A constant input that follows these labels.
  void cutConstant(IOIndex_t input, std::vector<LabelGrid> cuts);
  /// One label an index of `axis` of a constant input.
  void cutConstant(IOIndex_t input, DimIdx_t axis, std::vector<Label> labels);
  void edit(std::string attribute, std::function<EditedValue(const ChannelCut&)> value);
  /// Whether an input takes the place of the attribute that its schema has for it.
  [[nodiscard]] bool isComputed(IOIndex_t input) const { return has(input) && op().schema()->isShapeInput(input); }
  /// The list in that attribute or at that input, whose entries stay as they are unless `bind` says more. nullopt: it is not known; all is fixed.
  std::optional<std::vector<std::int64_t>> list(IOIndex_t input);
  /// Of a computed list: after a cut, entry `place` is the sum of these extents.
  void bind(IOIndex_t input, std::size_t place, std::vector<ExtentPtr> extents);
  /// The same for the extent of output `output` along an axis.
  void bind(IOIndex_t input, std::size_t place, IOIndex_t output, DimIdx_t axis);
  /// After a cut, output 0 has as many indices along `axis` as this extent.
  void require(ExtentPtr extent, DimIdx_t axis);
  /// Inputs whose numbers were bound.
  [[nodiscard]] const std::set<IOIndex_t>& followed() const noexcept { return mFollowed; }
  /// New atoms of this layer, one an output channel.
  std::vector<Label> addSource(std::size_t channels);
  void addUse(IOIndex_t input, std::vector<Label> labels);
  /// A product of two tensors of data, which sums over these.
  void addProduct(std::vector<Label> labels);
  /// One grid: these labels along one axis of output 0.
  void give(DimIdx_t axis, std::vector<Label> labels);
  void unite(Label a, Label b) { atoms().unite(a, b, mNode->describe()); }

 private:
  ChannelAnalysis& mAnalysis;
  NodePtr mNode;
  std::set<IOIndex_t> mFollowed;
  std::map<IOIndex_t, std::size_t> mFirstDemand;  ///< of a computed list
};

using Rule = void (*)(RuleScope&);
/// What a ChannelRule of a schema stands for; nullptr for Unstated.
[[nodiscard]] Rule findRule(ChannelRule rule);
/// nullptr for rules of the other files. Layers with weights, normalisation for each channel, pooling.
[[nodiscard]] Rule layerRule(ChannelRule rule);
/// Elementwise operators, with broadcasting and without, reductions, and normalisation across channels.
[[nodiscard]] Rule elementwiseRule(ChannelRule rule);
/// Operators that only move values.
[[nodiscard]] Rule shapeRule(ChannelRule rule);
/// Operators that take parts of an axis, or repeat it.
[[nodiscard]] Rule partRule(ChannelRule rule);

}  // namespace Aidge::detail
