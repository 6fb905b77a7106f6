#include "ChannelCounts.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "aidge/operator/ShapeUtils.hpp"
#include "aidge/scheduler/Inference.hpp"

namespace Aidge::detail {

namespace {

/// Weights are sums of quotients of small integers.
constexpr double kRounding = 1e-9;

bool isWholeNumber(double value) { return std::abs(value - std::round(value)) < kRounding; }

/// Whether the extent can change, now and later: classes only grow, and more of them get fixed.
bool canChange(const Atoms& atoms, const Extent& extent) {
  const auto axes = varyingAxes(atoms, extent.grid);
  return std::find(axes.begin(), axes.end(), extent.axis) != axes.end();
}

std::vector<Count::Term> termsOf(std::span<const ExtentPtr> extents) {
  std::vector<Count::Term> terms;
  for (const ExtentPtr& extent : extents) terms.push_back({extent, 1.0});
  return terms;
}

/// The element of an operand of `dims` that belongs to element `index` of a result of `extents`.
std::size_t broadcastPlace(const Dims& dims, const Dims& extents, std::size_t index) {
  std::size_t place = 0;
  std::size_t step = 1;
  for (std::size_t back = 1; back <= extents.size(); ++back) {
    const auto extent = static_cast<std::size_t>(extents[extents.size() - back]);
    if (back <= dims.size()) {
      const auto own = static_cast<std::size_t>(dims[dims.size() - back]);
      if (own > 1) place += index % extent * step;
      step *= own;
    }
    index /= extent;
  }
  return place;
}

/// a + factor · b.
Count sumOf(const Count& a, const Count& b, double factor, double value) {
  Count result{value, a.terms, a.isLinear && b.isLinear, nullptr, 0};
  for (const Count::Term& term : b.terms) result.terms.push_back({term.extent, factor * term.weight});
  return result;
}

Count scaledCount(const Count& count, double factor, double value) {
  Count result{value, count.terms, count.isLinear, nullptr, 0};
  for (Count::Term& term : result.terms) term.weight *= factor;
  return result;
}

/// Of all operands, in a way that is not followed.
Count opaque(std::span<const Count> operands, double value) {
  Count result{value, {}, true, nullptr, 0};
  for (const Count& operand : operands) {
    result.terms.insert(result.terms.end(), operand.terms.begin(), operand.terms.end());
    result.isLinear = result.isLinear && operand.terms.empty();
  }
  return result;
}

/// The part of a linear number that no cut changes.
double constantPart(const Atoms& atoms, const Count& count) {
  double rest = count.value;
  for (const auto& [label, weight] : weightsOf(atoms, count.terms)) rest -= weight;
  return rest;
}

}  // namespace

std::vector<IOIndex_t> movedInputs(const Operator& op, std::size_t count) {
  switch (op.traits().channels.rule) {
    case ChannelRule::Regroup:
    case ChannelRule::Reshape:
    case ChannelRule::Squeeze:
    case ChannelRule::Transpose:
    case ChannelRule::Split:
    case ChannelRule::Slice:
    case ChannelRule::Gather:
    case ChannelRule::Repeat:
      return {0};
    case ChannelRule::Concat: {
      std::vector<IOIndex_t> all(count);
      std::iota(all.begin(), all.end(), IOIndex_t{0});
      return all;
    }
    default:
      return op.role() == Role::Selection ? std::vector<IOIndex_t>{1, 2} : std::vector<IOIndex_t>{};
  }
}

ExtentPtr extentOf(const Atoms& atoms, const LabelGrid& grid, DimIdx_t axis, DimSize_t size) {
  return std::make_shared<const Extent>(Extent{compacted(atoms, grid), axis, size});
}

Counts literalCounts(const NodePtr& constant) {
  const auto tensor = constant->getOperator()->getOutput(0);
  if ((tensor->dataType() != DataType::Int64 && tensor->dataType() != DataType::Int32) || !tensor->hasData()) return {};
  Counts counts;
  for (const std::int64_t value : tensor->toInts()) counts.push_back({static_cast<double>(value), {}, true, constant, counts.size()});
  return counts;
}

std::map<Label, double> weightsOf(const Atoms& atoms, std::span<const Count::Term> terms) {
  std::map<Label, double> weights;
  for (const auto& [extent, weight] : terms) {
    if (!canChange(atoms, *extent)) continue;
    for (const Label label : labelsAlong(extent->grid, extent->axis, extent->size)) {
      if (!atoms.isFixed(label)) weights[atoms.find(label)] += weight;
    }
  }
  std::erase_if(weights, [](const auto& entry) { return std::abs(entry.second) < kRounding; });
  return weights;
}

// --- following ------------------------------------------------------------------------------------------------------

Counts CountTracer::dimsOf(const Operator& op, const LabelGrid& grid, const Dims& dims, const TensorInfo& result) const {
  const std::vector<DimIdx_t> axes = varyingAxes(mAtoms, grid);
  const auto changes = [&](DimIdx_t axis) { return std::find(axes.begin(), axes.end(), axis) != axes.end(); };
  if (result.dims.empty()) {  // the number of elements
    Count count{static_cast<double>(elementCount(dims)), {}, axes.size() < 2, nullptr, 0};
    for (const DimIdx_t axis : axes)
      count.terms.push_back({extentOf(mAtoms, grid, axis, dims[axis]), count.value / static_cast<double>(dims[axis])});
    return {count};
  }
  const auto rank = static_cast<std::int64_t>(dims.size());
  const std::int64_t start = op.attribute<std::int64_t>("start");
  auto axis = static_cast<DimIdx_t>(std::clamp<std::int64_t>(start < 0 ? start + rank : start, 0, rank));
  Counts counts;
  for (const std::int64_t value : result.value->toInts()) {
    counts.push_back({static_cast<double>(value), {}, true, nullptr, 0});
    if (changes(axis)) counts.back().terms.push_back({extentOf(mAtoms, grid, axis, dims[axis]), 1.0});
    ++axis;
  }
  return counts;
}

void CountTracer::keep(const NodePtr& node, const Counts& counts) {
  for (const Count& count : counts) {
    if (count.literal || !count.terms.empty()) mDemands.push_back({count, {}, node->describe(), false});
  }
}

std::vector<Counts> CountTracer::moved(const NodePtr& node, std::span<const Counts* const> inputs, std::span<const TensorInfo> infos,
                                       std::span<const TensorInfo> results) {
  const Operator& op = *node->getOperator();
  std::vector<TensorInfo> places(infos.begin(), infos.end());
  std::vector<TensorInfo> wanted(results.begin(), results.end());
  Counts elements;
  for (const IOIndex_t input : movedInputs(op, infos.size())) {
    std::vector<std::int64_t> numbers(elementCount(infos[input].dims));
    std::iota(numbers.begin(), numbers.end(), static_cast<std::int64_t>(elements.size()));
    places[input] = {infos[input].dims, DataType::Int64, nullptr};
    places[input].value = std::make_shared<const Tensor>(Tensor::fromValues<std::int64_t>(infos[input].dims, numbers));
    if (inputs[input] != nullptr) {
      elements.insert(elements.end(), inputs[input]->begin(), inputs[input]->end());
    } else {
      for (const double value : infos[input].value->toDoubles()) elements.push_back({value, {}, true, nullptr, 0});
    }
  }
  for (TensorInfo& info : wanted) info = {info.dims, DataType::Int64, nullptr};
  const std::vector<Tensor> origins = kernelInference().evaluate(op, places, wanted);
  std::vector<Counts> outputs;
  for (const Tensor& origin : origins) {
    outputs.emplace_back();
    for (const std::int64_t place : origin.toInts()) outputs.back().push_back(elements[static_cast<std::size_t>(place)]);
  }
  return outputs;
}

Count CountTracer::calculated(const NodePtr& node, std::span<const Count> operands, double value) {
  const Role role = node->getOperator()->role();
  const Count& a = operands[0];
  if (role == Role::Renaming || role == Role::Conversion) {
    if (value == a.value) return a;
    keep(node, {a});
    return opaque(operands, value);
  }
  if (operands.size() != 2) return opaque(operands, value);
  const Count& b = operands[1];
  if (role == Role::Sum || role == Role::Difference) return sumOf(a, b, role == Role::Sum ? 1.0 : -1.0, value);
  if (role == Role::Product && b.terms.empty()) return scaledCount(a, b.value, value);
  if (role == Role::Product && a.terms.empty()) return scaledCount(b, a.value, value);
  if (role != Role::Quotient || b.value == 0.0) return opaque(operands, value);
  if (b.terms.empty()) {
    Count result = scaledCount(a, 1.0 / b.value, value);
    // Integers are divided without a remainder, or the terms say too much.
    if (!result.terms.empty()) mDemands.push_back({result, {}, node->describe(), true});
    return result;
  }
  const Count difference = sumOf(a, b, -a.value / b.value, 0.0);
  const bool isFixedRatio = a.isLinear && b.isLinear && weightsOf(mAtoms, difference.terms).empty();
  return isFixedRatio && isWholeNumber(a.value / b.value) ? Count{value, {}, true, nullptr, 0} : opaque(operands, value);
}

Counts CountTracer::elementwise(const NodePtr& node, std::span<const Counts* const> inputs, std::span<const TensorInfo> infos,
                                const TensorInfo& result) {
  const std::vector<double> values = result.value->toDoubles();
  std::vector<Counts> constants;
  for (std::size_t i = 0; i < infos.size(); ++i) {
    Counts counts;
    if (inputs[i] == nullptr && !infos[i].missing) {
      for (const double value : infos[i].value->toDoubles()) counts.push_back({value, {}, true, nullptr, 0});
    }
    constants.push_back(std::move(counts));
  }
  Counts counts;
  for (std::size_t k = 0; k < values.size(); ++k) {
    Counts operands;
    for (std::size_t i = 0; i < infos.size(); ++i) {
      if (infos[i].missing) continue;
      const Counts& source = inputs[i] != nullptr ? *inputs[i] : constants[i];
      operands.push_back(source[broadcastPlace(infos[i].dims, result.dims, k)]);
    }
    counts.push_back(calculated(node, operands, values[k]));
  }
  return counts;
}

std::vector<Counts> CountTracer::follow(const NodePtr& node, std::span<const Counts* const> inputs, std::span<const TensorInfo> infos,
                                        std::span<const TensorInfo> results) {
  const Operator& op = *node->getOperator();
  const std::vector<IOIndex_t> moving = movedInputs(op, infos.size());
  const auto isConstant = [](const Count& count) { return count.terms.empty(); };
  bool chooses = false;  // by numbers that a cut changes
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i] == nullptr || std::find(moving.begin(), moving.end(), i) != moving.end()) continue;
    if (!moving.empty()) chooses = chooses || !std::all_of(inputs[i]->begin(), inputs[i]->end(), isConstant);
    const bool handsOn = op.role() == Role::Renaming || op.role() == Role::Conversion;
    for (const Count& count : *inputs[i]) {
      if (count.literal && !handsOn) mDemands.push_back({count, {}, node->describe(), false});
    }
  }
  if (!moving.empty() && !chooses) {
    auto outputs = moved(node, inputs, infos, results);
    if (outputs.size() == results.size()) return outputs;
  }
  const ChannelRule rule = op.traits().channels.rule;
  if (results.size() == 1 && moving.empty() && (rule == ChannelRule::Broadcast || rule == ChannelRule::Pass))
    return {elementwise(node, inputs, infos, results[0])};
  Counts all;
  for (const Counts* counts : inputs) {
    if (counts == nullptr) continue;
    keep(node, *counts);
    all.insert(all.end(), counts->begin(), counts->end());
  }
  std::vector<Counts> outputs;
  for (const TensorInfo& result : results) {
    outputs.emplace_back();
    for (const double value : result.value->toDoubles()) outputs.back().push_back({value, {}, true, nullptr, 0});
  }
  return outputs;
}

// --- settling -------------------------------------------------------------------------------------------------------

namespace {

/// A number of a graph as labels fix it: "decides a number that reshape1 (Reshape) needs as it is".
void fixAllOf(Atoms& atoms, const std::map<Label, double>& weights, const std::string& where) {
  for (const auto& [label, weight] : weights) atoms.fix(label, "decides a number that " + where + " needs as it is");
}

void settleWhole(Atoms& atoms, const CountDemand& demand) {
  auto weights = weightsOf(atoms, demand.count.terms);
  std::erase_if(weights, [](const auto& entry) { return isWholeNumber(entry.second); });
  fixAllOf(atoms, weights, demand.where);
  if (!isWholeNumber(constantPart(atoms, demand.count))) fixAllOf(atoms, weightsOf(atoms, demand.count.terms), demand.where);
}

void settleNumber(Atoms& atoms, const CountDemand& demand) {
  auto have = weightsOf(atoms, demand.count.terms);
  auto want = weightsOf(atoms, termsOf(demand.extents));
  if (demand.count.isLinear) {
    for (const auto& [label, weight] : want) have[label] -= weight;
    std::erase_if(have, [](const auto& entry) { return std::abs(entry.second) < kRounding; });
    want.clear();
  }
  fixAllOf(atoms, have, demand.where);
  fixAllOf(atoms, want, demand.where);
}

}  // namespace

std::vector<LiteralEdit> settle(Atoms& atoms, std::span<const CountDemand> demands, const std::function<bool(const NodePtr&)>& isCounted) {
  using Uses = std::vector<const CountDemand*>;
  std::vector<Uses> literals;  // one entry for each element
  std::map<std::pair<NodePtr, std::size_t>, std::size_t> known;
  for (const CountDemand& demand : demands) {
    if (demand.isWhole) {
      settleWhole(atoms, demand);
    } else if (demand.count.literal) {
      const auto [entry, isNew] = known.emplace(std::pair(demand.count.literal, demand.count.place), literals.size());
      if (isNew) literals.emplace_back();
      literals[entry->second].push_back(&demand);
    } else {
      settleNumber(atoms, demand);
    }
  }
  std::vector<LiteralEdit> edits;
  for (const Uses& uses : literals) {
    const Count& literal = uses.front()->count;
    const auto first = weightsOf(atoms, termsOf(uses.front()->extents));
    bool agree = true;
    for (const CountDemand* use : uses) agree = agree && weightsOf(atoms, termsOf(use->extents)) == first;
    agree = agree && (first.empty() || isCounted(literal.literal));
    for (const CountDemand* use : uses) {
      if (!agree) fixAllOf(atoms, weightsOf(atoms, termsOf(use->extents)), use->where);
    }
    if (agree && !first.empty()) edits.push_back({literal.literal, literal.place, uses.front()->extents});
  }
  return edits;
}

}  // namespace Aidge::detail
