#include "FusionPlan.hpp"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <numeric>
#include <tuple>

#include "../layers/Layers.hpp"

namespace Aidge::detail {

namespace {

/// A candidate that needs so many times the MACs is taken as slower without being timed.
constexpr double kHopeless = 8.0;

double elementsAsDouble(const Dims& dims) { return std::accumulate(dims.begin(), dims.end(), 1.0, std::multiplies<>()); }

/// The last Conv or FC, from which the new layer has its name.
NodePtr lastCore(const Chain& chain, std::size_t first, std::size_t last) {
  for (std::size_t i = last + 1; i-- > first;) {
    const Element& element = chain[i];
    if (!element.isBlock && element.layer.isCore) return element.node;
    for (const Chain& branch : element.branches) {
      if (branch.empty()) continue;
      if (NodePtr found = lastCore(branch, 0, branch.size() - 1)) return found;
    }
  }
  return nullptr;
}

}  // namespace

std::string quantity(double value) {
  char text[32];
  const auto print = [&](double scaled, const char* unit) { std::snprintf(text, sizeof text, "%.3g%s", scaled, unit); };
  if (value >= 1e9) {
    print(value / 1e9, " G");
  } else if (value >= 1e6) {
    print(value / 1e6, " M");
  } else if (value >= 1e3) {
    print(value / 1e3, " k");
  } else {
    print(value, "");
  }
  return text;
}

std::string change(double before, double after) { return quantity(before) + " -> " + quantity(after); }

std::vector<NodePtr> Segment::nodes() const {
  std::vector<NodePtr> result;
  for (std::size_t i = first; i < first + count; ++i) (*chain)[i].collect(result);
  return result;
}

Segment FusionPlanner::segment(const Chain& chain, std::size_t first, std::size_t last, Composite composite) const {
  Segment result{&mGraph, &chain, first, last - first + 1, std::move(composite), {}};
  const std::vector<NodePtr> nodes = result.nodes();
  ConvolutionMerge& merge = result.merge;
  merge.name = lastCore(chain, first, last)->name();
  merge.type = result.composite.type();
  for (const NodePtr& node : nodes) merge.nodes.push_back(node->name());
  merge.border = result.composite.border();
  for (std::size_t i = first; i <= last; ++i) merge.macsBefore += chain[i].macs;
  merge.macsAfter = result.composite.macs();
  merge.parametersBefore = layers::parametersOf(nodes);
  merge.parametersAfter = result.composite.parameters();
  return result;
}

namespace {

/// Whether merging would make two weights of one: the layers' own and the one that stays for other layers, together larger than before.
bool grows(const Segment& candidate) {
  return candidate.merge.parametersAfter > candidate.merge.parametersBefore && layers::shareWeights(candidate.nodes());
}

}  // namespace

FusionPlanner::Verdict FusionPlanner::judge(const Segment& candidate) const {
  Verdict verdict{true, candidate.merge.macsAfter};
  if (!mOptions.accept && mOptions.policy == FusionPolicy::ExactAndCheaper && grows(candidate)) return {false, 0.0};
  if (mOptions.cost == FusionCost::Latency) {
    if (candidate.merge.macsAfter > kHopeless * candidate.merge.macsBefore && mOptions.policy == FusionPolicy::ExactAndCheaper)
      return {false, 0.0};
    verdict.cost = mWatch.composite(candidate.composite);
  }
  if (mOptions.accept) verdict.accepted = mOptions.accept(candidate.merge);
  return verdict;
}

bool FusionPlanner::isBetter(const Cut& a, const Cut& b) const {
  const bool byOperations = mOptions.accept || mOptions.policy == FusionPolicy::Always;
  return byOperations ? std::tie(a.operations, a.cost) < std::tie(b.operations, b.cost) : a.cost < b.cost;
}

Cut FusionPlanner::single(const Element& element) const {
  Cut cut;
  if (!element.isBlock) {
    // Adding a constant is not counted, as it is what a merge that shifts its input leaves behind.
    cut.operations = element.isPass() || element.layer.isOffset ? 0.0 : 1.0;
    cut.cost = mOptions.cost == FusionCost::Macs ? element.macs : mWatch.nodes({element.node}, element);
    return cut;
  }
  cut.operations = 1.0;
  cut.cost = mOptions.cost == FusionCost::Macs ? elementsAsDouble(element.output) : 0.0;
  for (const Chain& branch : element.branches) {
    Cut inner = best(branch);
    cut.operations += inner.operations;
    cut.cost += inner.cost;
    std::move(inner.segments.begin(), inner.segments.end(), std::back_inserter(cut.segments));
  }
  return cut;
}

Cut FusionPlanner::best(const Chain& chain) const {
  std::vector<Cut> ending(chain.size() + 1);
  std::vector<std::vector<Segment>> candidates(chain.size());  // by their last element, the shortest last
  for (std::size_t first = 0; first < chain.size(); ++first) {
    if (chain[first].isPass()) continue;
    Composite composite = mComposer.before(chain[first]);
    for (std::size_t last = first; last < chain.size(); ++last) {
      composite = mComposer.extended(std::move(composite), chain[last]);
      if (!composite.refusal.empty()) break;
      const bool isMerge = last > first || chain[first].isBlock;
      if (isMerge && !chain[last].isPass() && composite.isWritable()) candidates[last].push_back(segment(chain, first, last, composite));
    }
  }
  for (std::size_t last = 0; last < chain.size(); ++last) {
    const auto appended = [&](const Cut& before, Cut part) {
      part.cost += before.cost;
      part.operations += before.operations;
      part.segments.insert(part.segments.begin(), before.segments.begin(), before.segments.end());
      return part;
    };
    Cut chosen = appended(ending[last], single(chain[last]));
    for (auto candidate = candidates[last].rbegin(); candidate != candidates[last].rend(); ++candidate) {
      const Verdict verdict = judge(*candidate);
      if (!verdict.accepted) continue;
      Cut merged = appended(ending[candidate->first], {verdict.cost, static_cast<double>(candidate->composite.operations()), {*candidate}});
      if (isBetter(merged, chosen)) chosen = std::move(merged);
    }
    ending[last + 1] = std::move(chosen);
  }
  return ending.back();
}

std::string FusionPlanner::whyApart(const Chain& chain, std::size_t first, std::size_t last) const {
  Composite composite = mComposer.before(chain[first]);
  for (std::size_t i = first; i <= last; ++i) composite = mComposer.extended(std::move(composite), chain[i]);
  if (!composite.refusal.empty()) return composite.refusal;
  if (!composite.isWritable()) return "no Conv or FC could stand for them";
  const Segment candidate = segment(chain, first, last, std::move(composite));
  const std::string price = quantity(candidate.merge.macsAfter) + " MACs in the place of " + quantity(candidate.merge.macsBefore);
  if (mOptions.accept)
    return mOptions.accept(candidate.merge) ? "another cut has fewer operations (" + price + ")" : "the policy declines (" + price + ")";
  if (mOptions.policy == FusionPolicy::Always) return "another cut has fewer operations or MACs (" + price + ")";
  if (grows(candidate)) return "other layers share their weights, so that the network would grow (" + price + ")";
  if (mOptions.cost == FusionCost::Latency) return "it would not be faster (" + price + ")";
  if (candidate.merge.macsAfter >= candidate.merge.macsBefore) return "it would not be cheaper (" + price + ")";
  return "another cut of the chain is cheaper still (" + price + ")";
}

}  // namespace Aidge::detail
