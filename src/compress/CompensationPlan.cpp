#include "CompensationPlan.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <unordered_map>

#include "../layers/Layers.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/graph/GraphShapes.hpp"
#include "aidge/operator/Operator.hpp"
#include "aidge/scheduler/Inference.hpp"

namespace Aidge::compress {

namespace {

using Layers = std::set<std::size_t>;
using Ancestry = std::unordered_map<const Node*, Layers>;  ///< numbers of the layers that each node's outputs depend on

Ancestry ancestryOf(const GraphView& graph, const std::vector<FittedLayer>& layers) {
  std::unordered_map<const Node*, std::size_t> numbers;
  for (std::size_t i = 0; i < layers.size(); ++i) numbers.emplace(layers[i].layer.node.get(), i);
  Ancestry ancestry;
  for (const NodePtr& node : graph.orderedNodes()) {
    Layers& mine = ancestry[node.get()];
    for (const NodePtr& parent : node->getParents()) {
      if (parent) mine.insert(ancestry[parent.get()].begin(), ancestry[parent.get()].end());
    }
    if (const auto number = numbers.find(node.get()); number != numbers.end()) mine.insert(number->second);
  }
  return ancestry;
}

/// The sum that a layer alone feeds; nothing where it feeds others too.
NodePtr sumBehind(const GraphView& graph, const NodePtr& node) {
  const auto consumers = node->output(0);
  const bool isExit = std::any_of(graph.outputs().begin(), graph.outputs().end(), [&](const GraphOutput& out) { return out.node == node; });
  return consumers.size() == 1 && !isExit && consumers[0].node->getOperator()->role() == Role::Sum ? consumers[0].node : nullptr;
}

bool isFedBy(const NodePtr& node, const NodePtr& parent) {
  const auto parents = node->getParents();
  return std::find(parents.begin(), parents.end(), parent) != parents.end();
}

class Planner {
 public:
  Planner(const GraphViewPtr& original, const GraphViewPtr& current, const std::vector<Dims>& dims)
      : mOriginal(*original),
        mCurrent(*current),
        mOriginalShapes(original->inferShapes(dims, kernelInference())),
        mCurrentShapes(current->inferShapes(dims, kernelInference())) {}

  FittedLayer begin(const NodePtr& node) const {
    FittedLayer fitted;
    fitted.layer = readLinear(mCurrent, node);
    fitted.obstacle = fitted.layer.obstacle;
    fitted.counterpart = mOriginal.findNode(node->name());
    if (!fitted.counterpart || !layers::isConvOrFC(*fitted.counterpart->getOperator()))
      fitted.obstacle = "the original has no layer of that name";
    if (fitted.obstacle.empty() && (!mCurrentShapes.contains(node.get()) || !mOriginalShapes.contains(fitted.counterpart.get())))
      fitted.obstacle = "its sizes are known only when it runs";
    if (!fitted.obstacle.empty()) return fitted;
    const auto input = tensorAt(mCurrent, node, 0);
    if (!input) fitted.obstacle = "it has no input";
    if (input) fitted.input = *input;
    fitted.output = {node, 0};
    fitted.target = {fitted.counterpart, 0};
    return fitted;
  }

  /// Aims at the sum behind a layer where its other operands depend on layers before `first` only: they are final then.
  void aimAtSum(FittedLayer& fitted, std::size_t first, const Ancestry& ancestry) const {
    const NodePtr sum = sumBehind(mCurrent, fitted.layer.node);
    const NodePtr counterpart = sum ? mOriginal.findNode(sum->name()) : nullptr;
    if (!counterpart || counterpart->getOperator()->role() != Role::Sum || !isFedBy(counterpart, fitted.counterpart)) return;
    if (!mCurrentShapes.contains(sum.get()) || !mOriginalShapes.contains(counterpart.get())) return;
    if (dims(mCurrentShapes, {sum, 0}) != dims(mCurrentShapes, fitted.output)) return;  // broadcast
    for (const NodePtr& parent : sum->getParents()) {
      if (!parent || parent == fitted.layer.node) continue;
      const Layers& before = ancestry.at(parent.get());
      if (!before.empty() && *before.rbegin() >= first) return;
    }
    fitted.output = {sum, 0};
    fitted.target = {counterpart, 0};
  }

  void cut(FittedLayer& fitted, const std::vector<std::size_t>* kept) const {
    const Dims wanted = dims(mCurrentShapes, fitted.output);
    const Dims given = dims(mOriginalShapes, fitted.target);
    fitted.positions = std::max<std::size_t>(1, elementCount(Dims(wanted.begin() + 2, wanted.end())));
    if (kept) {
      fitted.kept = *kept;
      if (fitted.kept.size() != fitted.layer.outputs || fitted.kept.empty() || given.size() < 2 ||
          *std::max_element(fitted.kept.begin(), fitted.kept.end()) >= static_cast<std::size_t>(given[1])) {
        throwExpected("compress::compensate", std::to_string(fitted.layer.outputs) + " kept outputs of " + fitted.counterpart->describe(),
                      std::to_string(fitted.kept.size()) + " of " + toString(given));
      }
    } else {
      fitted.kept.resize(fitted.layer.outputs);
      std::iota(fitted.kept.begin(), fitted.kept.end(), std::size_t{0});
    }
    const bool isSame =
        given.size() == wanted.size() && std::equal(given.begin() + 2, given.end(), wanted.begin() + 2) && (kept || given[1] == wanted[1]);
    if (!isSame) fitted.obstacle = "its output is " + toString(wanted) + ", the original's " + toString(given);
  }

 private:
  static Dims dims(const GraphShapes& shapes, const TensorRef& tensor) { return shapes.at(tensor.node.get()).at(tensor.index).dims; }
  const GraphView& mOriginal;
  const GraphView& mCurrent;
  GraphShapes mOriginalShapes;
  GraphShapes mCurrentShapes;
};

/// Which layers share a weight: the same number for each of them, in order of their first.
std::vector<std::size_t> unitsOf(const std::vector<FittedLayer>& layers) {
  std::map<NodePtr, std::size_t> byWeight;
  std::vector<std::size_t> units;
  std::size_t count = 0;
  for (const FittedLayer& fitted : layers) {
    const NodePtr weight = fitted.layer.node->getParent(layers::kWeight);
    const bool isOwn = !weight || !weight->getOperator()->isProducer();
    const auto [known, isNew] = isOwn ? std::pair(byWeight.end(), true) : byWeight.emplace(weight, count);
    units.push_back(isNew ? count++ : known->second);
  }
  return units;
}

/// The units in an order in which each follows those that it depends on; of units that depend on each other the first one in order of execution comes first.
std::vector<std::size_t> orderOf(const std::vector<FittedLayer>& layers, const std::vector<std::size_t>& units, const Ancestry& ancestry) {
  const std::size_t count = units.empty() ? 0 : *std::max_element(units.begin(), units.end()) + 1;
  std::vector<std::set<std::size_t>> needs(count);
  std::vector<std::set<std::size_t>> neededBy(count);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    for (const std::size_t other : ancestry.at(layers[i].layer.node.get())) {
      if (units[other] == units[i]) continue;
      needs[units[i]].insert(units[other]);
      neededBy[units[other]].insert(units[i]);
    }
  }
  std::set<std::size_t> left;
  std::set<std::size_t> ready;
  for (std::size_t unit = 0; unit < count; ++unit) (needs[unit].empty() ? ready : left).insert(unit);
  std::vector<std::size_t> order;
  while (!ready.empty() || !left.empty()) {
    auto& from = ready.empty() ? left : ready;
    const std::size_t unit = *from.begin();
    from.erase(from.begin());
    order.push_back(unit);
    for (const std::size_t other : neededBy[unit]) {
      needs[other].erase(unit);
      if (needs[other].empty() && left.erase(other) > 0) ready.insert(other);
    }
  }
  return order;
}

/// The layers, unit by unit.
std::vector<FittedLayer> arranged(std::vector<FittedLayer> layers, const GraphView& graph) {
  const Ancestry ancestry = ancestryOf(graph, layers);
  const std::vector<std::size_t> units = unitsOf(layers);
  const std::vector<std::size_t> order = orderOf(layers, units, ancestry);
  std::vector<std::size_t> place(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) place[order[i]] = i;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    layers[i].unit = place[units[i]];
    for (const std::size_t other : ancestry.at(layers[i].layer.node.get()))
      layers[i].isRecurrent = layers[i].isRecurrent || (other != i && units[other] == units[i]);
  }
  std::stable_sort(layers.begin(), layers.end(), [](const FittedLayer& a, const FittedLayer& b) { return a.unit < b.unit; });
  return layers;
}

/// Why the weight of a layer cannot change with it; empty if it can.
std::string whyWeightStays(const GraphView& graph, const NodePtr& layer) {
  const NodePtr weight = layer->getParent(layers::kWeight);
  for (const GraphOutput& output : graph.outputs()) {
    if (output.node == weight) return "its weight is the graph output \"" + output.name + "\"";
  }
  for (const auto& [node, input] : weight->output(0)) {
    if (!layers::isConvOrFC(*node->getOperator()) || input != layers::kWeight) return "it shares its weight with " + node->describe();
  }
  return {};
}

/// Calls use(first, end) for the layers of each unit.
template <typename Range, typename Use> void forUnits(Range& layers, const Use& use) {
  for (std::size_t first = 0; first < layers.size();) {
    std::size_t end = first + 1;
    while (end < layers.size() && layers[end].unit == layers[first].unit) ++end;
    use(first, end);
    first = end;
  }
}

/// What one layer of a unit cannot do, the others cannot either.
void shareObstacles(std::vector<FittedLayer>& layers) {
  forUnits(layers, [&](std::size_t first, std::size_t end) {
    bool isRecurrent = false;
    for (std::size_t i = first; i < end; ++i) isRecurrent = isRecurrent || layers[i].isRecurrent;
    for (std::size_t i = first; i < end; ++i) layers[i].isRecurrent = isRecurrent;
    const auto begin = layers.begin() + static_cast<std::ptrdiff_t>(first);
    const auto stop = layers.begin() + static_cast<std::ptrdiff_t>(end);
    const auto found = std::find_if(begin, stop, [](const FittedLayer& each) { return !each.obstacle.empty(); });
    if (found == stop) return;
    const std::string why = "it shares its weight with " + found->layer.node->name() + ", of which: " + found->obstacle;
    for (auto each = begin; each != stop; ++each) {
      if (each->obstacle.empty()) each->obstacle = why;
    }
  });
}

}  // namespace

std::vector<FittedLayer> fittedLayers(const GraphViewPtr& original, const GraphViewPtr& current, const std::vector<Dims>& dims,
                                      const std::map<std::string, std::vector<std::size_t>>& kept,
                                      const std::map<std::string, std::string>& targets, bool aimsAtSums) {
  for (const auto& [name, outputs] : kept) static_cast<void>(current->getNode(name));  // throws where there is none
  const Planner planner(original, current, dims);
  std::vector<FittedLayer> layers;
  for (const NodePtr& node : current->orderedNodes()) {
    if (layers::isConvOrFC(*node->getOperator())) layers.push_back(planner.begin(node));
  }
  layers = arranged(std::move(layers), *current);
  const Ancestry ancestry = ancestryOf(*current, layers);
  std::size_t first = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (layers[i].unit != layers[first].unit) first = i;
    if (layers[i].obstacle.empty()) layers[i].obstacle = whyWeightStays(*current, layers[i].layer.node);
    if (!layers[i].obstacle.empty()) continue;
    const auto target = targets.find(layers[i].layer.node->name());
    if (target == targets.end()) {
      if (aimsAtSums) planner.aimAtSum(layers[i], first, ancestry);
    } else {
      layers[i].target = {original->getNode(target->second), 0};
    }
    const auto outputs = kept.find(layers[i].layer.node->name());
    planner.cut(layers[i], outputs == kept.end() ? nullptr : &outputs->second);
  }
  shareObstacles(layers);
  return layers;
}

std::vector<std::vector<std::size_t>> independentLayers(const GraphViewPtr& current, const std::vector<FittedLayer>& layers,
                                                        double memory) {
  constexpr double kWaitingRows = 512.0;  // that two Covariances hold until they take them together
  const Ancestry ancestry = ancestryOf(*current, layers);
  std::vector<std::vector<std::size_t>> groups;
  double used = 0.0;
  bool isClosed = true;
  forUnits(layers, [&](std::size_t first, std::size_t end) {
    if (!layers[first].obstacle.empty()) return;
    Layers needed;
    for (std::size_t i = first; i < end; ++i) needed.merge(Layers(ancestry.at(layers[i].output.node.get())));
    const LinearNode& layer = layers[first].layer;
    const auto units = static_cast<double>(layer.unitsPerGroup());
    const double bytes = static_cast<double>(layer.groups) * 8.0 * units * (units + kWaitingRows);
    const bool joins = !isClosed && !layers[first].isRecurrent && used + bytes <= memory &&
                       std::none_of(groups.back().begin(), groups.back().end(), [&](std::size_t other) { return needed.contains(other); });
    if (!joins) {
      groups.emplace_back();
      used = 0.0;
    }
    isClosed = layers[first].isRecurrent;
    for (std::size_t i = first; i < end; ++i) groups.back().push_back(i);
    used += bytes;
  });
  return groups;
}

}  // namespace Aidge::compress
