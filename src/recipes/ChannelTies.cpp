// Constants that several inputs read.
#include <algorithm>
#include <map>

#include "../layers/Layers.hpp"
#include "ChannelAnalysis.hpp"

namespace Aidge::detail {

namespace {

/// One reader of a constant: what it cuts each axis along (empty: it needs the whole axis).
struct ConstantReader {
  std::string name;
  std::vector<std::vector<Label>> axes;
  std::string reason;  ///< why it needs an axis whole, where that is known
};

/// Takes over the axes along which this input cuts the constant.
void addCuts(const Atoms& atoms, const ConstantUse& use, const Dims& dims, ConstantReader& reader) {
  for (const LabelGrid& grid : use.cuts) {
    for (const DimIdx_t axis : varyingAxes(atoms, grid)) reader.axes[axis] = labelsAlong(grid, axis, dims[axis]);
    const bool isFixed = std::all_of(grid.labels.begin(), grid.labels.end(), [&](Label label) { return atoms.isFixed(label); });
    if (isFixed && reader.reason.empty()) reader.reason = atoms.reason(grid.labels.front());
  }
}

/// What each input cuts the constant at it along.
using Cuts = std::multimap<TensorRef, const ConstantUse*>;

std::vector<ConstantReader> readersOf(const Atoms& atoms, const Cuts& cuts, const GraphView& graph, const NodePtr& constant) {
  const Dims dims = constant->getOperator()->getOutput(0)->dims();
  const std::vector<std::vector<Label>> whole(dims.size());
  std::vector<ConstantReader> readers;
  for (const TensorRef& reader : constant->output(0)) {
    readers.push_back({reader.node->describe(), whole, {}});
    const auto [begin, end] = cuts.equal_range(reader);
    for (auto use = begin; use != end; ++use) addCuts(atoms, *use->second, dims, readers.back());
  }
  for (const GraphOutput& output : graph.outputs()) {
    if (output.node == constant) readers.push_back({"the graph output \"" + output.name + "\"", whole, {}});
  }
  return readers;
}

}  // namespace

void ChannelAnalysis::tieConstants(const GraphView& graph) {
  Cuts cutsAt;
  for (const ConstantUse& use : constants) cutsAt.emplace(TensorRef{use.node, use.input}, &use);
  for (const NodePtr& node : graph.orderedNodes()) {
    if (!node->getOperator()->isProducer()) continue;
    const std::vector<ConstantReader> readers = readersOf(atoms, cutsAt, graph, node);
    if (readers.size() < 2 || layers::isEqualNumbers(*node->getOperator()->getOutput(0))) continue;
    for (DimIdx_t axis = 0; axis < readers.front().axes.size(); ++axis) {
      const auto cuts = [axis](const ConstantReader& reader) { return !reader.axes[axis].empty(); };
      const auto first = std::find_if(readers.begin(), readers.end(), cuts);
      const auto whole = std::find_if_not(readers.begin(), readers.end(), cuts);
      for (auto reader = first; reader != readers.end(); ++reader) {
        for (std::size_t i = 0; i < reader->axes[axis].size(); ++i) {
          const Label label = reader->axes[axis][i];
          atoms.unite(first->axes[axis][i], label, "\"" + node->name() + "\", which " + first->name + " and " + reader->name + " share");
          if (whole == readers.end()) continue;
          atoms.fix(label, "shares \"" + node->name() + "\" with " + whole->name + ", which needs all of it" +
                               (whole->reason.empty() ? "" : " (" + whole->reason + ")"));
        }
      }
    }
  }
}

}  // namespace Aidge::detail
