// Merging convolutions: fuseConvolution turns neighbouring linear operators into one Conv or FC. A reader begins here.
//
//   Conv a -> BatchNorm -> Conv b -> Add (with a shortcut around all)        one Conv that computes the same
//
// The steps, each in a file of its own. Composing is always done twice: first the geometry only, which is cheap and decides what is merged, then the
// values of what was chosen.
//
// 1. LinearLayer reads one node (`readLayer`): as which convolution does it act on its data? Its schema's traits say what it is. A layer can be unusable; then
//    it has a reason, which ends up in the report. GraphDims holds the dims of all tensors.
// 2. ConvChain finds chains (`ChainFinder`): lists of elements in which each one's output goes to the next one only. An element is a layer or a block: two
//    chains from one tensor to an Add. A wire is the origin of a tensor: an output of a node or an input of the graph.
// 3. ConvComposer composes neighbouring elements to a composite (`extended`): its ConvShape, and what has to be done about the border (shift the input, add an
//    image, or approximate), or the reason of a refusal. `load` computes the values of a composite in double; the mathematics is in ConvMap.
// 4. FusionPlan cuts each chain into segments (`FusionPlanner::best`): dynamic programming over the places at which a segment ends. A segment becomes one layer;
//    its cost is counted in multiply-accumulates (layers::workOf, Composite::macs) or measured in seconds (FusionMeasure).
// 5. MergedLayer makes the nodes of a segment: Sub (shift), GlobalAveragePooling, the Conv or FC, Add (image), as far as they are needed.
// 6. FusionRefusals explains for all neighbours that stay two why they do; FusionReport prints the result.
//
// This file runs the steps (`Fusion`): it plans the graph and the graphs inside it, applies the segments, and starts again until nothing changes, because
// one merge can make another one exact. All of it is one transaction of the graph.
#include "aidge/recipes/FuseConvolution.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <unordered_map>
#include <utility>

#include "../layers/Layers.hpp"
#include "ConvChain.hpp"
#include "ConvComposer.hpp"
#include "FusionMeasure.hpp"
#include "FusionPlan.hpp"
#include "FusionRefusals.hpp"
#include "MergedLayer.hpp"
#include "aidge/backend/Kernel.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/operator/Operator.hpp"
#include "aidge/scheduler/Inference.hpp"

namespace Aidge {

namespace {

using namespace detail;

constexpr const char* kWhere = "recipes::fuseConvolution";

std::vector<NodePtr> exclusiveProducers(const std::vector<NodePtr>& nodes) {
  std::vector<NodePtr> result;
  for (const NodePtr& node : nodes) {
    for (const NodePtr& parent : node->getParents()) {
      if (!parent || !parent->getOperator()->isProducer()) continue;
      const auto children = parent->getChildren();
      const bool all = std::all_of(children.begin(), children.end(),
                                   [&](const NodePtr& child) { return std::find(nodes.begin(), nodes.end(), child) != nodes.end(); });
      if (all) result.push_back(parent);
    }
  }
  return result;
}

/// The type of the weights in a segment.
DataType typeOf(const std::vector<NodePtr>& nodes, const std::string& core) {
  for (const NodePtr& node : nodes) {
    if (node->name() == core) return node->getParent(1)->getOperator()->getOutput(node->input(1).index)->dataType();
  }
  return DataType::Float32;
}

/// One graph (the user's, or one inside a meta operator), planned.
struct PlannedGraph {
  GraphViewPtr graph;
  std::unique_ptr<ChainFinder> finder;
  std::unique_ptr<ConvComposer> composer;
  std::vector<Chain> chains;
};

/// Of the graph and those inside it, as merging counts; `uncounted`: operators of unknown dims that are left out.
double macsOf(const GraphView& graph, const GraphDims& dims, std::size_t& uncounted) {
  double total = 0.0;
  uncounted = 0;
  for (const NodePtr& node : graph.orderedNodesDeep()) {
    const Operator& op = *node->getOperator();
    if (op.isMeta() || op.isProducer() || op.nbOutputs() == 0) continue;
    if (dims.knows(node)) {
      total += dims.workOf(node);
    } else {
      uncounted += layers::hasWork(op) ? 1 : 0;
    }
  }
  return total;
}

/// `later`, which holds the layer that `earlier` made, as one merge of all their layers.
ConvolutionMerge joined(const ConvolutionMerge& earlier, ConvolutionMerge later) {
  const auto at = std::find(later.nodes.begin(), later.nodes.end(), earlier.name);
  const auto place = later.nodes.erase(at);
  later.nodes.insert(place, earlier.nodes.begin(), earlier.nodes.end());
  later.border = std::max(later.border, earlier.border);
  later.macsBefore += earlier.macsBefore - earlier.macsAfter;
  later.parametersBefore += earlier.parametersBefore - earlier.parametersAfter;
  if (later.secondsBefore && earlier.secondsBefore && earlier.secondsAfter)
    *later.secondsBefore += *earlier.secondsBefore - *earlier.secondsAfter;
  return later;
}

/// One call. Plans and merges until nothing more is worth it: a merge can make another one exact (an FC has no padding left).
class Fusion {
 public:
  Fusion(GraphViewPtr graph, const FusionOptions& options)
      : mGraph(std::move(graph)), mOptions(options), mDims(*mGraph, options.dims), mMeter(backend(), options.repeats) {
    if (options.border == BorderRule::Approximate && options.data == nullptr)
      throwExpected(kWhere, "data on which the error of approximate merges is measured", "none");
    if (options.border == BorderRule::Approximate && backend().empty())
      throwExpected(kWhere, "a backend that is loaded, to measure the error of approximate merges", "none");
    if (options.cost == FusionCost::Latency && !mMeter.isOn())
      throwExpected(kWhere, "a backend that is loaded, and repeats > 0, where latency is the cost", "none");
  }

  FusionReport run() {
    mReport.secondsBefore = mMeter.graph(*mGraph, mDims.inputs());
    mReport.parametersBefore = layers::parametersOf(*mGraph);
    if (mOptions.border == BorderRule::Approximate) keepOriginal();
    mGraph->transaction([&] {
      mReport.macsBefore = macsOf(*mGraph, mDims, mReport.uncounted);
      while (applyOnce()) mDims = GraphDims(*mGraph, mDims.inputs());
      if (mOriginal) measureErrors();
    });
    if (mGraph->isCompiled()) mGraph->forwardDims(mGraph->compiledDims(), kernelInference());
    mReport.secondsAfter = mMade.empty() ? mReport.secondsBefore : mMeter.graph(*mGraph, mDims.inputs());
    mReport.parametersAfter = layers::parametersOf(*mGraph);
    for (Made& made : mMade) mReport.merged.push_back(std::move(made.merge));
    return std::move(mReport);
  }

 private:
  struct Made {
    NodePtr layer;  ///< the Conv or FC
    NodePtr exit;   ///< what gives the result
    ConvolutionMerge merge;
  };

  [[nodiscard]] std::string backend() const {
    const auto known = KernelRegistry::backends();
    if (KernelRegistry::hasBackend(mGraph->backend())) return mGraph->backend();
    return known.empty() ? std::string() : known.front();
  }

  void keepOriginal() {
    mOriginal = mGraph->clone();
    const auto order = mGraph->orderedNodesDeep();
    const auto copies = mOriginal->orderedNodesDeep();
    for (std::size_t i = 0; i < order.size(); ++i) mCopies[order[i].get()] = copies[i];
  }

  /// Chains of the graph and of those inside it.
  [[nodiscard]] std::vector<PlannedGraph> plan() const {
    std::vector<GraphViewPtr> graphs{mGraph};
    for (const NodePtr& node : mGraph->orderedNodesDeep()) {
      if (node->getOperator()->isMeta()) graphs.push_back(microGraph(*node->getOperator()));
    }
    std::vector<PlannedGraph> plans;
    for (const GraphViewPtr& graph : graphs) {
      auto finder = std::make_unique<ChainFinder>(*graph, mDims);
      auto chains = finder->chains();
      plans.push_back({graph, std::move(finder), std::make_unique<ConvComposer>(*graph, mDims, mOptions.border), std::move(chains)});
    }
    return plans;
  }

  /// Makes the merges that are best now; without any, says of all neighbours why they stay two, and returns false.
  bool applyOnce() {
    const std::vector<PlannedGraph> plans = plan();
    mReport.macsAfter = macsOf(*mGraph, mDims, mReport.uncounted);
    std::vector<RefusedMerge> refused;
    bool any = false;
    for (const PlannedGraph& planned : plans) {
      const FusionPlanner planner(*planned.graph, *planned.composer, mOptions, stopwatch());
      std::vector<Segment> segments;
      for (const Chain& chain : planned.chains) {
        Cut cut = planner.best(chain);
        std::move(cut.segments.begin(), cut.segments.end(), std::back_inserter(segments));
      }
      if (mOptions.cost == FusionCost::Latency && mOptions.policy == FusionPolicy::ExactAndCheaper && !mOptions.accept)
        std::erase_if(segments, [this](const Segment& segment) { return isSlower(segment); });
      const auto pairs = explainRefusals(*planned.graph, *planned.finder, planned.chains, segments, planner);
      refused.insert(refused.end(), pairs.begin(), pairs.end());
      planned.graph->transaction([&] {
        for (const Segment& segment : segments) apply(*planned.graph, *planned.composer, segment);
      });
      any = any || !segments.empty();
    }
    if (!any) mReport.refused = withoutImages(std::move(refused));
    return any;
  }

  /// The images that merging added are no layers to be merged: what stands on either side of one is the pair.
  [[nodiscard]] std::vector<RefusedMerge> withoutImages(std::vector<RefusedMerge> refused) const {
    for (const Made& made : mMade) {
      if (made.exit == made.layer) continue;
      std::erase_if(refused, [&](const RefusedMerge& pair) { return pair.second == made.exit->name(); });
      for (RefusedMerge& pair : refused) {
        if (pair.first == made.exit->name())
          pair = {made.layer->name(), pair.second, "the image of the first one's biases stands between them"};
      }
    }
    return refused;
  }

  [[nodiscard]] Stopwatch stopwatch() const {
    return {[this](const std::vector<NodePtr>& nodes, const Element& first) {
              return mMeter.nodes(nodes, first.heads, first.input).value_or(0.0);
            },
            [this](const Composite& composite) {
              MergedLayer layer(composite, DataType::Float32);
              layer.fillAny();
              return mMeter.nodes(layer.nodes(), {{layer.nodes().front(), 0}}, composite.input).value_or(0.0);
            }};
  }

  /// Layers that were timed one by one may be faster together: what does not pay as a whole stays.
  [[nodiscard]] bool isSlower(const Segment& segment) const {
    return stopwatch().composite(segment.composite) >= stopwatch().nodes(segment.nodes(), segment.front());
  }

  void apply(GraphView& graph, const ConvComposer& composer, const Segment& segment) {
    const std::vector<NodePtr> old = segment.nodes();
    ConvolutionMerge merge = segment.merge;
    if (mMeter.isOn()) merge.secondsBefore = stopwatch().nodes(old, segment.front());
    MergedLayer layer(segment.composite, typeOf(old, merge.name));
    layer.fill(composer.load(segment.composite));
    std::vector<NodePtr> leaving = exclusiveProducers(old);
    leaving.insert(leaving.end(), old.begin(), old.end());
    layer.setNames(merge.name, [&](const std::string& base) {
      const NodePtr present = graph.findNode(base);
      const bool isFree = !present || std::find(leaving.begin(), leaving.end(), present) != leaving.end();
      return isFree ? base : graph.uniqueName(base);
    });
    graph.replace(std::span<const NodePtr>(old), std::span<const NodePtr>(layer.nodes()));
    const NodePtr& exit = layer.nodes().back();
    if (mMeter.isOn()) merge.secondsAfter = mMeter.nodes(layer.nodes(), {{layer.nodes().front(), 0}}, segment.composite.input);
    mCopies[exit.get()] = mCopies[segment.back().node.get()];
    for (auto earlier = mMade.begin(); earlier != mMade.end();) {
      const bool isInside = std::find(old.begin(), old.end(), earlier->layer) != old.end();
      if (isInside) merge = joined(earlier->merge, std::move(merge));
      earlier = isInside ? mMade.erase(earlier) : earlier + 1;
    }
    mMade.push_back({layer.core(), exit, std::move(merge)});
  }

  void measureErrors() {
    const GraphViewPtr after = mGraph->clone();
    const auto order = mGraph->orderedNodesDeep();
    const auto copies = after->orderedNodesDeep();
    std::vector<std::pair<NodePtr, NodePtr>> pairs;
    std::vector<ConvolutionMerge*> merges;
    for (Made& made : mMade) {
      if (made.merge.border != BorderRule::Approximate) continue;
      const auto at = std::find(order.begin(), order.end(), made.exit) - order.begin();
      pairs.emplace_back(mCopies.at(made.exit.get()), copies[static_cast<std::size_t>(at)]);
      merges.push_back(&made.merge);
    }
    if (pairs.empty()) return;
    for (const GraphViewPtr& graph : {mOriginal, after}) graph->compile(backend(), DataType::Float32, mDims.inputs());
    const MeasuredErrors errors = detail::measureErrors(mOriginal, after, pairs, *mOptions.data);
    mReport.error = errors.outputs;
    for (std::size_t i = 0; i < merges.size(); ++i) merges[i]->error = errors.nodes[i];
  }

  GraphViewPtr mGraph;
  const FusionOptions& mOptions;
  GraphDims mDims;
  LatencyMeter mMeter;
  GraphViewPtr mOriginal;
  std::unordered_map<const Node*, NodePtr> mCopies;  ///< in mOriginal, of what a node computes
  std::vector<Made> mMade;
  FusionReport mReport;
};

}  // namespace

FusionReport fuseConvolution(const GraphViewPtr& graph, const FusionOptions& options) {
  if (!graph) throwExpected(kWhere, "a graph", "none");
  return Fusion(graph, options).run();
}

}  // namespace Aidge
