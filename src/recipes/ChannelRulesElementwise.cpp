// Elementwise operators, with and without broadcasting, and reductions.
#include <algorithm>

#include "ChannelRules.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::detail {

namespace {

void followPass(RuleScope& scope) { scope.results = {scope.inputs[0].grid}; }

/// A grid or dims of lower rank, with extents of 1 before them.
LabelGrid aligned(LabelGrid grid, std::size_t rank) {
  grid.extents.insert(grid.extents.begin(), rank - grid.extents.size(), 1);
  return grid;
}

Dims alignedDims(Dims dims, std::size_t rank) {
  dims.insert(dims.begin(), rank - dims.size(), 1);
  return dims;
}

/// How an operand stands to the axes along which the channels of all operands lie.
enum class Follows : std::uint8_t { None, All, Some };

Follows standing(const Dims& operand, const Dims& channels) {
  bool spans = false;
  bool repeats = false;
  for (std::size_t axis = 0; axis < channels.size(); ++axis) {
    if (channels[axis] == 1) continue;
    (operand[axis] == 1 ? repeats : spans) = true;
  }
  return !spans ? Follows::None : repeats ? Follows::Some : Follows::All;
}

/// Operands that have the channels' axes go with them, value by value; those that repeat along them are not touched.
void followBroadcast(RuleScope& scope) {
  const std::size_t rank = scope.outputs[0].size();
  Dims channels(rank, 1);
  for (const RuleInput& input : scope.inputs) {
    const Dims extents = alignedDims(input.grid.extents, rank);
    for (std::size_t axis = 0; axis < rank; ++axis) channels[axis] = std::max(channels[axis], extents[axis]);
  }
  LabelGrid result;
  for (IOIndex_t i = 0; i < scope.inputs.size(); ++i) {
    if (!scope.has(i) || scope.isConstant(i)) continue;
    const Dims dims = alignedDims(scope.inputs[i].dims, rank);
    const Follows follows = standing(dims, channels);
    if (follows == Follows::Some) return scope.fixAll("which spreads several groups of channels over each other");
    if (follows == Follows::None && !result.labels.empty()) continue;
    LabelGrid grid = expanded(aligned(scope.inputs[i].grid, rank), follows == Follows::All ? channels : Dims(rank, 1));
    if (result.labels.size() == grid.labels.size() && follows == Follows::All) {
      for (std::size_t k = 0; k < grid.labels.size(); ++k) scope.unite(result.labels[k], grid.labels[k]);
    }
    if (result.labels.size() < grid.labels.size()) result = std::move(grid);
  }
  for (IOIndex_t i = 0; i < scope.inputs.size(); ++i) {
    if (!scope.isConstant(i)) continue;
    const Dims& dims = scope.inputs[i].dims;
    const Follows follows = standing(alignedDims(dims, rank), channels);
    if (follows == Follows::Some) return scope.fixAll("whose constant spreads channels over each other");
    if (follows == Follows::None) continue;
    LabelGrid cut = result;
    cut.extents.erase(cut.extents.begin(), cut.extents.end() - static_cast<std::ptrdiff_t>(dims.size()));
    scope.cutConstant(i, {std::move(cut)});
  }
  scope.results = {std::move(result)};
}

/// Fixes what differs along the axes over which values are mixed.
void fixAcross(RuleScope& scope, const std::vector<DimIdx_t>& axes) {
  const LabelGrid& grid = scope.inputs[0].grid;
  for (const DimIdx_t axis : axes) {
    if (grid.extents[axis] > 1) scope.fix(0, "feeds " + scope.node()->describe() + ", which mixes channels");
  }
}

void followSoftmax(RuleScope& scope) {
  fixAcross(scope, {normaliseAxis(errorSite(scope.op()), scope.op().attribute<std::int64_t>("axis"), scope.inputs[0].dims.size())});
  followPass(scope);
}

void followLRN(RuleScope& scope) {
  fixAcross(scope, {1});
  followPass(scope);
}

void followReduce(RuleScope& scope) {
  if (scope.has(1)) return scope.fixAll("which takes its axes from a tensor");
  const RuleInput& data = scope.inputs[0];
  const auto axes = resolveReducedAxes(scope.op(), data.dims.size());
  fixAcross(scope, axes);
  LabelGrid grid = data.grid;
  Dims kept;
  for (DimIdx_t axis = 0; axis < data.dims.size(); ++axis) {
    const bool isReduced = std::find(axes.begin(), axes.end(), axis) != axes.end();
    const std::int64_t first = 0;
    if (isReduced && grid.extents[axis] > 1) grid = taken(grid, axis, grid.extents[axis], std::span(&first, 1));
    if (!isReduced || scope.op().attribute<bool>("keep_dims")) kept.push_back(grid.extents[axis]);
  }
  scope.results = {{kept, grid.labels}};
}

}  // namespace

const RuleTable& elementwiseRules() {
  static const RuleTable table = [] {
    RuleTable rules{{"Softmax", followSoftmax}, {"LogSoftmax", followSoftmax}, {"LRN", followLRN}};
    for (const std::string_view type :
         {"ReLU",  "LeakyReLU", "GeLU", "Clip", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "Identity", "Dropout",
          "Elu",   "Selu",      "Celu", "Mish", "Swish",   "Erf",  "Softplus",    "Softsign",  "Shrink",   "ThresholdedRelu",
          "Exp",   "Log",       "Sqrt", "Abs",  "Neg",     "Sign", "Reciprocal",  "Floor",     "Ceil",     "Round",
          "Sin",   "Cos",       "Tan",  "Asin", "Acos",    "Atan", "Sinh",        "Cosh",      "Asinh",    "Acosh",
          "Atanh", "Cast"})
      rules.emplace(type, followPass);
    for (const std::string_view type : {"Add", "Sub", "Mul", "Div", "PReLU", "Pow", "Mod", "Min", "Max", "Mean", "Where", "Equal", "Less",
                                        "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor"})
      rules.emplace(type, followBroadcast);
    for (const std::string_view type : {"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
                                        "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"})
      rules.emplace(type, followReduce);
    return rules;
  }();
  return table;
}

}  // namespace Aidge::detail
