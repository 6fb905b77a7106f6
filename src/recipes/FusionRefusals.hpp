#pragma once

#include <vector>

#include "FusionPlan.hpp"

namespace Aidge::detail {

/// Every two layers of a graph that follow each other, of which one is a Conv, an FC or a sum, and that are in no segment together: with the reason.
[[nodiscard]] std::vector<RefusedMerge> explainRefusals(const GraphView& graph, const ChainFinder& finder, const std::vector<Chain>& chains,
                                                        const std::vector<Segment>& segments, const FusionPlanner& planner);

}  // namespace Aidge::detail
