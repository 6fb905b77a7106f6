// Layers with weights, normalisation and pooling.
#include <algorithm>
#include <optional>

#include "../layers/Layers.hpp"
#include "ChannelRules.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::detail {

namespace {

using Labels = std::vector<Label>;

constexpr IOIndex_t kData = 0;
using layers::kBias;
using layers::kWeight;

Labels firstOf(const Labels& labels, std::size_t count) { return {labels.begin(), labels.begin() + static_cast<std::ptrdiff_t>(count)}; }

bool hasConstantParameters(RuleScope& scope) {
  for (IOIndex_t i = 1; i < scope.inputs.size(); ++i) {
    if (scope.has(i) && !scope.isConstant(i)) {
      scope.fixAll("whose weights are not constant");
      return false;
    }
  }
  return true;
}

/// Channels of a convolution, of either direction.
struct ConvChannels {
  std::size_t groups = 1;
  std::size_t in = 1;  ///< channels
  std::size_t out = 1;
  bool isTransposed = false;

  explicit ConvChannels(const RuleScope& scope)
      : groups(static_cast<std::size_t>(scope.op().attribute<std::int64_t>("groups"))),
        in(static_cast<std::size_t>(scope.inputs[kData].dims[1])),
        out(static_cast<std::size_t>(scope.outputs[0][1])),
        isTransposed(scope.op().role() == Role::TransposedConvolution) {}
  [[nodiscard]] std::size_t inPerGroup() const { return in / groups; }
  [[nodiscard]] std::size_t outPerGroup() const { return out / groups; }
  /// Groups of one channel go as a whole, with what they read or make.
  [[nodiscard]] bool goByGroups() const { return groups > 1 && (inPerGroup() == 1 || outPerGroup() == 1); }
};

/// A depthwise convolution, of any multiplier: a group's outputs hang on its inputs.
Labels crossGroups(RuleScope& scope, const ConvChannels& channels, const Labels& in) {
  Labels out(channels.out);
  for (std::size_t i = 0; i < channels.in; ++i) scope.unite(in[i / channels.inPerGroup() * channels.inPerGroup()], in[i]);
  for (std::size_t o = 0; o < channels.out; ++o) out[o] = in[o / channels.outPerGroup() * channels.inPerGroup()];
  const Labels& outermost = channels.isTransposed ? in : out;
  scope.cutConstant(kWeight, 0, outermost);
  Labels groups(channels.groups);
  for (std::size_t g = 0; g < channels.groups; ++g) groups[g] = in[g * channels.inPerGroup()];
  scope.edit("groups", [groups](const ChannelCut& cut) {
    return std::int64_t{std::count_if(groups.begin(), groups.end(), [&](Label label) { return !cut.isGone(label); })};
  });
  return out;
}

/// A layer that makes channels of its own. Groups stay, of equal size: the same place goes in all of them.
Labels makeChannels(RuleScope& scope, const ConvChannels& channels, const Labels& in) {
  const Labels out = scope.addSource(channels.out);
  scope.addUse(kData, in);
  for (std::size_t i = 0; i < channels.in; ++i) {
    if (channels.groups > 1) scope.unite(in[i % channels.inPerGroup()], in[i]);
  }
  for (std::size_t o = 0; o < channels.out; ++o) scope.unite(out[o % channels.outPerGroup()], out[o]);
  const std::size_t rank = scope.inputs[kWeight].dims.size();
  const Labels& outermost = channels.isTransposed ? in : out;
  const Labels inner = channels.isTransposed ? firstOf(out, channels.outPerGroup()) : firstOf(in, channels.inPerGroup());
  scope.cutConstant(kWeight, {LabelGrid::along(rank, 0, outermost), LabelGrid::along(rank, 1, inner)});
  return out;
}

void followConv(RuleScope& scope) {
  if (!hasConstantParameters(scope)) return;
  const ConvChannels channels(scope);
  const Labels in = scope.along(kData, 1);
  const Labels out = channels.goByGroups() ? crossGroups(scope, channels, in) : makeChannels(scope, channels, in);
  if (scope.has(kBias)) scope.cutConstant(kBias, 0, out);
  scope.give(1, out);
}

/// Data as (batch, features), the weight as (out, in).
void followFC(RuleScope& scope) {
  if (!hasConstantParameters(scope)) return;
  RuleInput& data = scope.inputs[kData];
  const Dims matrix{data.dims[0], scope.inputs[kWeight].dims[1]};
  data.grid = reshaped(data.grid, data.dims, matrix);
  data.dims = matrix;
  const Labels in = scope.along(kData, 1);
  const Labels out = scope.addSource(static_cast<std::size_t>(scope.outputs[0][1]));
  scope.addUse(kData, in);
  scope.cutConstant(kWeight, {LabelGrid::along(2, 0, out), LabelGrid::along(2, 1, in)});
  if (scope.has(kBias)) scope.cutConstant(kBias, 0, out);
  scope.give(1, out);
}

/// Data (…, in) times a constant matrix, (in, out) or transposed; the result's last axis is the layer's output.
Labels multiplyByConstant(RuleScope& scope, bool isTransposed) {
  const DimIdx_t last = scope.inputs[kData].dims.size() - 1;
  const Labels in = scope.along(kData, last);
  const Labels out = scope.addSource(static_cast<std::size_t>(scope.outputs[0].back()));
  scope.addUse(kData, in);
  scope.cutConstant(kWeight, {LabelGrid::along(2, isTransposed ? 1 : 0, in), LabelGrid::along(2, isTransposed ? 0 : 1, out)});
  scope.give(scope.outputs[0].size() - 1, out);
  return out;
}

void followGemm(RuleScope& scope) {
  const bool isLayer = !scope.isConstant(kData) && scope.isConstant(kWeight) && !scope.op().attribute<bool>("trans_a");
  if (!isLayer || (scope.has(kBias) && !scope.isConstant(kBias))) return scope.fixAll("whose matrices are not a constant one and data");
  const Labels out = multiplyByConstant(scope, scope.op().attribute<bool>("trans_b"));
  if (!scope.has(kBias)) return;
  const Dims& bias = scope.inputs[kBias].dims;
  if (!bias.empty() && bias.back() != 1) scope.cutConstant(kBias, bias.size() - 1, out);
}

// --- products of two tensors of data, as in attention ------------------------------------------------------------------

/// Both operands of a product (…, M, K) times (…, K, N). A grid is compact: its extent is above 1 if the classes differ.
class DataProduct {
 public:
  explicit DataProduct(RuleScope& scope) : mScope(scope), mRank(scope.outputs[0].size()) {
    for (const IOIndex_t i : {kLeft, kRight}) scope.inputs[i].grid = compacted(scope.atoms(), scope.inputs[i].grid);
  }

  void follow() {
    const bool isContracted = varies(kLeft, axisOfRows(kLeft) + 1) || varies(kRight, axisOfRows(kRight));
    isContracted ? contract() : pass();
  }

 private:
  static constexpr IOIndex_t kLeft = 0;
  static constexpr IOIndex_t kRight = 1;

  [[nodiscard]] const RuleInput& input(IOIndex_t i) const { return mScope.inputs[i]; }
  [[nodiscard]] DimIdx_t axisOfRows(IOIndex_t i) const { return input(i).dims.size() - 2; }
  [[nodiscard]] bool varies(IOIndex_t i, DimIdx_t axis) const { return input(i).grid.extents[axis] > 1; }
  [[nodiscard]] bool variesOnlyAlong(IOIndex_t i, DimIdx_t axis) const {
    const Dims& extents = input(i).grid.extents;
    for (DimIdx_t other = 0; other < extents.size(); ++other) {
      if (other != axis && extents[other] > 1) return false;
    }
    return true;
  }
  /// The axis of an operand that is axis `axis` of the result, among those in front of the matrices; nullopt if it has no such axis.
  [[nodiscard]] std::optional<DimIdx_t> inFront(IOIndex_t i, DimIdx_t axis) const {
    const std::size_t missing = mRank - input(i).dims.size();
    return axis < missing ? std::nullopt : std::optional(axis - missing);
  }
  void keepRectangular(IOIndex_t i, DimIdx_t axis) {
    for (DimIdx_t other = 0; other < input(i).dims.size(); ++other) {
      if (other != axis && varies(i, other)) mScope.flatten(i, other);
    }
  }

  /// The same indices of K are removed from both operands, in all heads. The result keeps its dims.
  void contract() {
    const DimIdx_t left = axisOfRows(kLeft) + 1;
    const DimIdx_t right = axisOfRows(kRight);
    keepRectangular(kLeft, left);
    keepRectangular(kRight, right);
    const DimSize_t extent = input(kLeft).dims[left];
    const Labels ofLeft = labelsAlong(input(kLeft).grid, left, extent);
    const Labels ofRight = labelsAlong(input(kRight).grid, right, extent);
    for (std::size_t k = 0; k < ofLeft.size(); ++k) mScope.unite(ofLeft[k], ofRight[k]);
    mScope.addProduct(ofLeft);
    mScope.results = {LabelGrid::uniform(mRank, resultLabel())};
  }

  /// Heads, rows of the left operand and columns of the right one are those of the result.
  void pass() {
    for (DimIdx_t axis = 0; axis + 2 < mRank; ++axis) alignHeads(axis);
    if (varies(kLeft, axisOfRows(kLeft)) && varies(kRight, axisOfRows(kRight) + 1)) {
      mScope.fix(kRight, "feeds " + mScope.node()->describe() + ", which multiplies channels by channels");
      mScope.inputs[kRight].grid = LabelGrid::uniform(input(kRight).dims.size(), input(kRight).grid.labels[0]);
    }
    Dims extents(mRank, 1);
    std::vector<LabelGrid> grids;
    for (const IOIndex_t i : {kLeft, kRight}) {
      LabelGrid grid = input(i).grid;
      grid.extents[axisOfRows(i) + (i == kLeft ? 1 : 0)] = 1;  // K, along which nothing differs
      grid.extents.insert(grid.extents.begin(), mRank - grid.extents.size(), 1);
      for (DimIdx_t axis = 0; axis < mRank; ++axis) extents[axis] = std::max(extents[axis], grid.extents[axis]);
      grids.push_back(std::move(grid));
    }
    const bool hasLeft = grids[kLeft].labels.size() > 1;
    const bool hasRight = grids[kRight].labels.size() > 1;
    if (!hasLeft && !hasRight) {
      mScope.results = {LabelGrid::uniform(mRank, resultLabel())};
      return;
    }
    LabelGrid result = expanded(grids[hasLeft ? kLeft : kRight], extents);
    if (hasLeft && hasRight) {
      const LabelGrid other = expanded(grids[kRight], extents);
      for (std::size_t k = 0; k < result.labels.size(); ++k) mScope.unite(result.labels[k], other.labels[k]);
    }
    mScope.results = {std::move(result)};
  }

  /// Heads can be removed if both operands have them; if only one operand differs there, it is cut along another axis.
  void alignHeads(DimIdx_t axis) {
    const auto left = inFront(kLeft, axis);
    const auto right = inFront(kRight, axis);
    if (!left || !right || varies(kLeft, *left) == varies(kRight, *right)) return;
    const bool isLeft = varies(kLeft, *left);
    const IOIndex_t cut = isLeft ? kLeft : kRight;
    const IOIndex_t whole = isLeft ? kRight : kLeft;
    const DimIdx_t at = isLeft ? *left : *right;
    if (input(whole).dims[isLeft ? *right : *left] == 1) return;  // repeated for all heads
    if (!variesOnlyAlong(cut, at)) return mScope.flatten(cut, at);
    const Labels heads = labelsAlong(input(cut).grid, at, input(cut).dims[at]);
    for (const Label label : heads) mScope.unite(label, input(whole).grid.labels[0]);
    mScope.inputs[cut].grid = compacted(mScope.atoms(), input(cut).grid);
  }

  [[nodiscard]] Label resultLabel() const { return mScope.atoms().fixedLabel("the product in " + mScope.node()->describe()); }

  RuleScope& mScope;
  std::size_t mRank;
};

void followMatMul(RuleScope& scope) {
  const bool isMatrices = scope.inputs[kData].dims.size() >= 2 && scope.inputs[kWeight].dims.size() >= 2;
  if (isMatrices && !scope.isConstant(kData) && !scope.isConstant(kWeight)) return DataProduct(scope).follow();
  const bool isLayer = isMatrices && !scope.isConstant(kData) && scope.inputs[kWeight].dims.size() == 2;
  if (!isLayer) return scope.fixAll("whose matrices are not a constant one and data");
  multiplyByConstant(scope, false);
}

/// One parameter a channel, of each kind.
void followNormalisation(RuleScope& scope) {
  if (!hasConstantParameters(scope)) return;
  const Labels labels = scope.along(kData, 1);
  for (IOIndex_t i = 1; i < scope.inputs.size(); ++i) {
    if (scope.has(i)) scope.cutConstant(i, 0, labels);
  }
  scope.give(1, labels);
}

/// One parameter of each kind, or one for each index of the axis.
void followScaled(RuleScope& scope) {
  if (!hasConstantParameters(scope)) return;
  if (elementCount(scope.inputs[1].dims) == 1) {
    scope.results = {scope.inputs[kData].grid};
    return;
  }
  const DimIdx_t axis = normaliseAxis("recipes::channels", scope.op().attribute<std::int64_t>("axis"), scope.inputs[kData].dims.size());
  const Labels labels = scope.along(kData, axis);
  for (IOIndex_t i = 1; i < scope.inputs.size(); ++i) {
    if (scope.has(i)) scope.cutConstant(i, 0, labels);
  }
  scope.give(axis, labels);
}

/// Whatever it does within (batch, channel).
void followSpatial(RuleScope& scope) { scope.give(1, scope.along(kData, 1)); }

}  // namespace

Rule layerRule(ChannelRule rule) {
  switch (rule) {
    case ChannelRule::Convolution:
      return followConv;
    case ChannelRule::FullyConnected:
      return followFC;
    case ChannelRule::Gemm:
      return followGemm;
    case ChannelRule::MatMul:
      return followMatMul;
    case ChannelRule::PerChannel:
      return followNormalisation;
    case ChannelRule::Scaled:
      return followScaled;
    case ChannelRule::WithinChannel:
      return followSpatial;
    default:
      return nullptr;
  }
}

}  // namespace Aidge::detail
