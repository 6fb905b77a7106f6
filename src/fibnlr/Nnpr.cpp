#include "aidge/fibnlr/Nnpr.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "aidge/core/Errors.hpp"
#include "aidge/fibnlr/Groups.hpp"

namespace Aidge::fibnlr {

namespace {

constexpr double kEps = std::numeric_limits<double>::epsilon();

/// What normalisation needs to know of a group.
struct GroupSummary {
  std::size_t size = 0;
  double sum = 0.0;
  double min = std::numeric_limits<double>::infinity();
  double max = 0.0;
  bool allZero = true;  ///< no member has seen anything but values >= 0, and each some > 0

  void add(const NPR& ratio) {
    const double value = ratio.value();
    ++size;
    sum += value;
    min = std::min(min, value);
    max = std::max(max, value);
    // By the sums: value() itself is never 0, because of its eps.
    allZero = allZero && ratio.neg == 0.0 && ratio.pos > 0.0;
  }

  [[nodiscard]] double normalize(double value, NormalizationMethod normalization) const {
    const auto count = static_cast<double>(size);
    switch (normalization) {
      case NormalizationMethod::None:
        return value;
      case NormalizationMethod::MinMax:
        return max > min ? (value - min) / (max - min) : 1.0;
      case NormalizationMethod::Sum:
        return allZero ? 1.0 / count : (value + kEps) / (sum + kEps);
      case NormalizationMethod::Average:
        return allZero ? 1.0 : (value + kEps) / (sum / count + kEps);
    }
    throwExpected("fibnlr::normalize", "a NormalizationMethod", std::to_string(static_cast<unsigned>(normalization)));
  }
};

}  // namespace

std::vector<double> normalize(std::span<const NPR> ratios, std::span<const Group> groups, NormalizationMethod normalization,
                              Method method) {
  if (ratios.size() != groups.size()) {
    throwExpected("fibnlr::normalize", std::to_string(ratios.size()) + " groups, one a ratio", std::to_string(groups.size()));
  }
  std::map<Group, GroupSummary> summaries;
  for (std::size_t i = 0; i < ratios.size(); ++i) {
    const double value = ratios[i].value();
    if (!std::isfinite(value))
      throwExpected("fibnlr::normalize", "finite ratios", std::to_string(value) + " at index " + std::to_string(i));
    summaries[groups[i]].add(ratios[i]);
  }
  std::vector<double> result(ratios.size());
  for (std::size_t i = 0; i < ratios.size(); ++i) {
    const GroupSummary& summary = summaries.at(groups[i]);
    const bool keep = method == Method::Loose && summary.size == 1;
    result[i] = keep ? ratios[i].value() : summary.normalize(ratios[i].value(), normalization);
  }
  return result;
}

NodeMap<double> computeNNPR(const GraphViewPtr& model, const Parameters& params) {
  params.validate();
  const std::vector<NodePtr> nodes = prunableNodes(model, params);
  std::vector<NPR> ratios;
  for (const NodePtr& node : nodes) {
    const NPR* ratio = tryGet<NPR>(node);
    if (ratio == nullptr) throwInvalid("fibnlr::computeNNPR", "no NPR on " + node->describe() + ": prepare and compute must run first");
    if (!std::isfinite(ratio->value()))
      throwExpected("fibnlr::computeNNPR", "a finite NPR on " + node->describe(), std::to_string(ratio->value()));
    ratios.push_back(*ratio);
  }
  const std::vector<Group> groups = groupsOf(model, nodes, params);
  const std::vector<double> values = normalize(ratios, groups, params.normalization, params.method);
  NodeMap<double> result;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    set<Group>(nodes[i], groups[i]);
    set<NNPR>(nodes[i], NNPR{values[i]});
    result.emplace(nodes[i], values[i]);
  }
  return result;
}

}  // namespace Aidge::fibnlr
