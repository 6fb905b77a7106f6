#include "aidge/recipes/RemoveChannels.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>
#include <set>

#include "../layers/Layers.hpp"
#include "GroupedChannels.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/graph/MakeNode.hpp"
#include "aidge/scheduler/Inference.hpp"

namespace Aidge {

namespace {

using namespace detail;

constexpr const char* kWhereRemove = "recipes::removeChannels";
using Request = std::map<NodePtr, std::vector<std::int64_t>>;

/// The slices of a tensor at these places of an axis.
Tensor slicesOf(const Tensor& tensor, DimIdx_t axis, const std::vector<std::int64_t>& places) {
  Dims dims = tensor.dims();
  std::size_t inner = sizeOf(tensor.dataType());
  std::size_t outer = 1;
  for (DimIdx_t i = 0; i < dims.size(); ++i) {
    if (i != axis) (i < axis ? outer : inner) *= static_cast<std::size_t>(dims[i]);
  }
  const auto extent = static_cast<std::size_t>(dims[axis]);
  dims[axis] = static_cast<DimSize_t>(places.size());
  Tensor result(dims, tensor.dataType(), tensor.dataFormat());
  result.allocate();
  const auto* from = static_cast<const std::byte*>(tensor.rawData());
  auto* to = static_cast<std::byte*>(result.rawMutableData());
  for (std::size_t block = 0; block < outer; ++block) {
    for (const std::int64_t place : places) {
      std::memcpy(to, from + (block * extent + static_cast<std::size_t>(place)) * inner, inner);
      to += inner;
    }
  }
  return result;
}

/// What stays of a constant: places an axis; an axis that is not here stays whole.
using KeptPlaces = std::map<DimIdx_t, std::vector<std::int64_t>>;

KeptPlaces keptPlaces(const ChannelAnalysis& analysis, const ChannelCut& cut, const ConstantUse& use, const Dims& dims) {
  KeptPlaces result;
  for (const LabelGrid& grid : use.cuts) {
    for (const DimIdx_t axis : varyingAxes(analysis.atoms, grid)) {
      auto places = cut.kept(grid, axis, dims[axis]);
      if (static_cast<DimSize_t>(places.size()) < dims[axis]) result.emplace(axis, std::move(places));
    }
  }
  return result;
}

// --- what goes ------------------------------------------------------------------------------------------------------

/// From the channels that were named to the classes that go.
class CutPlanner {
 public:
  CutPlanner(const GraphView& graph, const ChannelAnalysis& analysis, const GroupedChannels& grouped, const RemovalOptions& options)
      : mGraph(graph), mAnalysis(analysis), mGrouped(grouped), mOptions(options), mCut(analysis.atoms) {}

  ChannelCut plan(const Request& request, RemovalReport& report) {
    std::vector<std::vector<std::int64_t>> named(mGrouped.groups.size());
    collect(request, named, report);
    for (std::size_t g = 0; g < named.size(); ++g) {
      std::vector<std::int64_t> going = withoutFixed(g, named[g], report);
      roundUp(g, going);
      if (going.empty()) continue;
      for (const std::int64_t channel : going) mCut.remove(classOf(g, channel));
      const std::string emptied = firstEmptied(g);
      if (emptied.empty()) {
        report.removed.push_back(removedFrom(g));
        continue;
      }
      for (const std::int64_t channel : going) mCut.keep(classOf(g, channel));
      report.refused.push_back({sourceNames(g), going, "nothing would be left of " + emptied});
    }
    report.passed = passedBy();
    return mCut;
  }

 private:
  [[nodiscard]] Label classOf(std::size_t group, std::int64_t channel) const {
    return mGrouped.classes[group][static_cast<std::size_t>(channel)];
  }

  [[nodiscard]] std::vector<std::string> sourceNames(std::size_t group) const {
    std::vector<std::string> names;
    for (const ChannelSource& source : mGrouped.groups[group].sources) names.push_back(source.node->name());
    return names;
  }

  /// One label an output channel of a node.
  [[nodiscard]] std::vector<Label> channelsOf(const NodePtr& node) const {
    for (const SourceRecord& source : mAnalysis.sources) {
      if (source.node != node) continue;
      std::vector<Label> labels;
      for (std::size_t c = 0; c < source.count; ++c) labels.push_back(source.first + static_cast<Label>(c));
      return labels;
    }
    const LabelledTensor* tensor = mAnalysis.find({node, 0});
    if (tensor == nullptr) return {};
    const auto axes = varyingAxes(mAnalysis.atoms, tensor->grid);
    const DimIdx_t axis = axes.empty() ? 1 : axes[0];
    return axis < tensor->dims.size() ? labelsAlong(tensor->grid, axis, tensor->dims[axis]) : std::vector<Label>{};
  }

  /// Channels of each group as they were named, in topological order of the nodes.
  void collect(const Request& request, std::vector<std::vector<std::int64_t>>& named, RemovalReport& report) const {
    for (const auto& [node, channels] : request) {
      if (!mGraph.contains(node)) throwExpected(kWhereRemove, "nodes of the graph", node ? node->describe() : "none");
    }
    for (const NodePtr& node : mGraph.orderedNodes()) {
      const auto entry = request.find(node);
      if (entry == request.end()) continue;
      const auto labels = channelsOf(node);
      const auto count = static_cast<std::int64_t>(labels.size());
      std::vector<std::int64_t> homeless;
      for (const std::int64_t channel : entry->second) {
        if (count == 0) break;
        if (channel < 0 || channel >= count)
          throwExpected(kWhereRemove, "channels of " + node->describe() + " in [0, " + std::to_string(count) + ")",
                        std::to_string(channel));
        const GroupedChannels::Place* place = mGrouped.find(mAnalysis, labels[static_cast<std::size_t>(channel)]);
        if (place == nullptr) {
          homeless.push_back(channel);
        } else if (auto& list = named[place->group]; std::find(list.begin(), list.end(), place->channel) == list.end()) {
          list.push_back(place->channel);
        }
      }
      if (count == 0 || !homeless.empty())
        report.refused.push_back({{node->name()}, homeless, "no layer with weights makes these channels"});
    }
  }

  std::vector<std::int64_t> withoutFixed(std::size_t g, const std::vector<std::int64_t>& named, RemovalReport& report) const {
    const ChannelGroup& group = mGrouped.groups[g];
    std::vector<std::int64_t> going;
    std::vector<std::int64_t> staying;
    for (const std::int64_t channel : named)
      (std::binary_search(group.fixed.begin(), group.fixed.end(), channel) ? staying : going).push_back(channel);
    if (!staying.empty()) report.refused.push_back({sourceNames(g), staying, group.refusal});
    return going;
  }

  /// Puts channels back, the last one named first, until every source keeps a multiple.
  void roundUp(std::size_t g, std::vector<std::int64_t>& going) const {
    const auto isRound = [&](const ChannelSource& source) {
      const auto kept = std::count_if(source.channels.begin(), source.channels.end(),
                                      [&](std::int64_t channel) { return std::find(going.begin(), going.end(), channel) == going.end(); });
      return kept % mOptions.multiple == 0;
    };
    const auto& sources = mGrouped.groups[g].sources;
    while (!going.empty() && !std::all_of(sources.begin(), sources.end(), isRound)) going.pop_back();
  }

  /// The first node that carries channels of the group and of which a cut would leave nothing.
  [[nodiscard]] std::string firstEmptied(std::size_t g) const {
    const auto isOfGroup = [&](Label label) {
      const GroupedChannels::Place* place = mGrouped.find(mAnalysis, label);
      return place != nullptr && place->group == g;
    };
    for (const LabelledTensor& tensor : mAnalysis.tensors) {
      if (std::any_of(tensor.grid.labels.begin(), tensor.grid.labels.end(), isOfGroup) && !mCut.leavesSome(tensor.grid, tensor.dims))
        return tensor.node->describe();
    }
    for (const ConstantUse& use : mAnalysis.constants) {
      const Dims dims = use.node->getParent(use.input)->getOperator()->getOutput(0)->dims();
      for (const LabelGrid& grid : use.cuts) {
        if (!mCut.leavesSome(grid, dims)) return use.node->getParent(use.input)->describe();
      }
    }
    return {};
  }

  [[nodiscard]] std::vector<RemovedChannels> removedFrom(std::size_t g) const {
    std::vector<RemovedChannels> result;
    for (const ChannelSource& source : mGrouped.groups[g].sources) {
      RemovedChannels entry{source.node->name(), static_cast<std::int64_t>(source.channels.size()), {}};
      for (std::size_t c = 0; c < source.channels.size(); ++c) {
        if (mCut.isGone(classOf(g, source.channels[c]))) entry.channels.push_back(static_cast<std::int64_t>(c));
      }
      result.push_back(std::move(entry));
    }
    return result;
  }

  [[nodiscard]] std::vector<RemovedChannels> passedBy() const {
    std::vector<RemovedChannels> result;
    for (const LabelledTensor& tensor : mAnalysis.tensors) {
      const auto isTensors = [&](const SourceRecord& source) { return source.node == tensor.node; };
      const bool isSource = std::any_of(mAnalysis.sources.begin(), mAnalysis.sources.end(), isTensors);
      if (isSource || !layers::isConvOrFC(*tensor.node->getOperator()) || tensor.dims.size() < 2) continue;
      const std::vector<std::int64_t> kept = mCut.kept(tensor.grid, 1, tensor.dims[1]);
      RemovedChannels entry{tensor.node->name(), tensor.dims[1], {}};
      for (std::int64_t c = 0; c < entry.before; ++c) {
        if (!std::binary_search(kept.begin(), kept.end(), c)) entry.channels.push_back(c);
      }
      if (!entry.channels.empty()) result.push_back(std::move(entry));
    }
    return result;
  }

  const GraphView& mGraph;
  const ChannelAnalysis& mAnalysis;
  const GroupedChannels& mGrouped;
  const RemovalOptions& mOptions;
  ChannelCut mCut;
};

// --- edits ----------------------------------------------------------------------------------------------------------

/// One constant as some of its users need it.
struct NewConstant {
  NodePtr producer;
  KeptPlaces kept;
  std::vector<TensorRef> users;
};

/// Constants by what is kept of them: the same for all users (see ChannelAnalysis::tieConstants), but for lists of equal numbers, of which users that
/// keep as many have one; users that cut nothing, the graph's outputs among them, need the whole.
std::vector<NewConstant> planConstants(const GraphView& graph, const ChannelAnalysis& analysis, const ChannelCut& cut) {
  std::map<TensorRef, KeptPlaces> kept;
  for (const ConstantUse& use : analysis.constants) {
    const NodePtr producer = use.node->getParent(use.input);
    kept[{use.node, use.input}].merge(keptPlaces(analysis, cut, use, producer->getOperator()->getOutput(0)->dims()));
  }
  std::vector<NewConstant> plan;
  for (const NodePtr& node : graph.nodes()) {
    if (!node->getOperator()->isProducer()) continue;
    const std::size_t first = plan.size();
    const bool countsOnly = layers::isEqualNumbers(*node->getOperator()->getOutput(0));
    for (const GraphOutput& output : graph.outputs()) {
      if (output.node == node && plan.size() == first) plan.push_back({node, {}, {}});
    }
    for (const TensorRef& user : node->output(0)) {
      const auto found = kept.find(user);
      KeptPlaces places = found == kept.end() ? KeptPlaces{} : found->second;
      for (auto& [axis, indices] : places) {
        if (countsOnly) std::iota(indices.begin(), indices.end(), 0);
      }
      const auto same = std::find_if(plan.begin() + static_cast<std::ptrdiff_t>(first), plan.end(),
                                     [&](const NewConstant& entry) { return entry.kept == places; });
      if (same == plan.end()) {
        plan.push_back({node, std::move(places), {user}});
      } else {
        same->users.push_back(user);
      }
    }
  }
  return plan;
}

void applyConstants(const GraphViewPtr& graph, const std::vector<NewConstant>& plan) {
  std::vector<std::pair<NodePtr, Tensor>> inPlace;
  std::set<const Node*> placed;
  for (const NewConstant& entry : plan) {
    const Tensor whole = *entry.producer->getOperator()->getOutput(0);
    Tensor value = whole;
    for (const auto& [axis, places] : entry.kept) value = slicesOf(value, axis, places);
    if (placed.insert(entry.producer.get()).second) {
      if (!entry.kept.empty()) inPlace.emplace_back(entry.producer, std::move(value));
      continue;
    }
    const bool isConstant = entry.producer->getOperator()->attribute<bool>("constant");
    const NodePtr copy =
        Producer(entry.kept.empty() ? value.clone() : std::move(value), graph->uniqueName(entry.producer->name()), isConstant);
    for (const auto& [user, input] : entry.users) user->setInput(input, copy);
    graph->add(copy);
  }
  for (auto& [producer, value] : inPlace) producer->getOperator()->setOutput(0, std::move(value));
}

/// Numbers in constants that counted what is removed.
void applyLiterals(const ChannelAnalysis& analysis, const ChannelCut& cut) {
  for (const LiteralEdit& edit : analysis.literalEdits) {
    const auto& op = edit.constant->getOperator();
    std::int64_t count = 0;
    for (const ExtentPtr& extent : edit.extents)
      count += static_cast<std::int64_t>(cut.kept(extent->grid, extent->axis, extent->size).size());
    const auto present = op->getOutput(0);
    std::vector<std::int64_t> values = present->toInts();
    if (values[edit.place] == count) continue;
    values[edit.place] = count;
    Tensor value = present->clone();
    if (value.dataType() == DataType::Int32) {
      std::transform(values.begin(), values.end(), value.mutableData<std::int32_t>().begin(),
                     [](std::int64_t v) { return static_cast<std::int32_t>(v); });
    } else {
      std::copy(values.begin(), values.end(), value.mutableData<std::int64_t>().begin());
    }
    op->setOutput(0, std::move(value));
  }
}

void applyAttributes(const ChannelAnalysis& analysis, const ChannelCut& cut) {
  for (const AttributeEdit& edit : analysis.edits) {
    const auto& op = edit.node->getOperator();
    const auto apply = [&]<typename T>(const T& value) {
      if (op->attribute<T>(edit.name) != value) op->setAttribute(edit.name, value);
    };
    std::visit(apply, edit.value(cut));
  }
}

/// Shapes as the cut predicts them, or std::logic_error, which takes the edit back.
void checkShapes(const ChannelAnalysis& before, const ChannelAnalysis& after, const ChannelCut& cut) {
  for (const LabelledTensor& tensor : before.tensors) {
    const LabelledTensor* now = after.find({tensor.node, tensor.output});
    const Dims wanted = cut.dims(tensor.grid, tensor.dims);
    if (now == nullptr || now->dims != wanted) {
      throw std::logic_error(std::string("[") + kWhereRemove + "] expected dims " + toString(wanted) + " of " + tensor.node->describe() +
                             ", got " + (now == nullptr ? "none" : toString(now->dims)));
    }
  }
}

}  // namespace

RemovalReport removeChannels(const GraphViewPtr& graph, const Request& channels, const RemovalOptions& options) {
  if (!graph) throwExpected(kWhereRemove, "a graph", "none");
  if (options.multiple < 1) throwExpected(kWhereRemove, "multiple >= 1", std::to_string(options.multiple));
  const ChannelAnalysis analysis(kWhereRemove, *graph, options.dims);
  RemovalReport report;
  const ChannelCut cut = CutPlanner(*graph, analysis, GroupedChannels(analysis), options).plan(channels, report);
  report.macsBefore = report.macsAfter = analysis.macs();
  report.uncounted = analysis.uncounted();
  report.parametersBefore = report.parametersAfter = layers::parametersOf(*graph);
  if (report.removed.empty()) return report;
  graph->transaction([&] {
    applyAttributes(analysis, cut);
    applyLiterals(analysis, cut);
    applyConstants(graph, planConstants(*graph, analysis, cut));
    const ChannelAnalysis after(kWhereRemove, *graph, analysis.inputDims());
    checkShapes(analysis, after, cut);
    report.macsAfter = after.macs();
    report.parametersAfter = layers::parametersOf(*graph);
    if (graph->isCompiled()) graph->forwardDims(graph->compiledDims(), kernelInference());
  });
  return report;
}

}  // namespace Aidge
