// Layers with weights, normalisation and pooling.
#include <algorithm>

#include "../layers/Layers.hpp"
#include "ChannelRules.hpp"

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

void followMatMul(RuleScope& scope) {
  const bool isLayer = !scope.isConstant(kData) && scope.isConstant(kWeight) && scope.inputs[kWeight].dims.size() == 2;
  if (!isLayer || scope.inputs[kData].dims.size() < 2) return scope.fixAll("whose matrices are not a constant one and data");
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
    case ChannelRule::WithinChannel:
      return followSpatial;
    default:
      return nullptr;
  }
}

}  // namespace Aidge::detail
