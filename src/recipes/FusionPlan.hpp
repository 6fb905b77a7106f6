#pragma once
// Which elements of a chain become one layer.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "ConvComposer.hpp"

namespace Aidge::detail {

/// Neighbouring elements that become one layer.
struct Segment {
  const GraphView* graph = nullptr;
  const Chain* chain = nullptr;
  std::size_t first = 0;
  std::size_t count = 0;
  Composite composite;
  ConvolutionMerge merge;

  [[nodiscard]] std::vector<NodePtr> nodes() const;
  [[nodiscard]] const Element& front() const { return (*chain)[first]; }
  [[nodiscard]] const Element& back() const { return (*chain)[first + count - 1]; }
};

/// The best way to cut a chain, and what that costs.
struct Cut {
  double cost = 0.0;
  double operations = 0.0;
  std::vector<Segment> segments;
};

/// Seconds of some nodes, or of a composite's layer.
struct Stopwatch {
  std::function<double(const std::vector<NodePtr>&, const Element& first)> nodes;
  std::function<double(const Composite&)> composite;
};

class FusionPlanner {
 public:
  /// `watch` is used for FusionCost::Latency only.
  FusionPlanner(const GraphView& graph, const ConvComposer& composer, const FusionOptions& options, Stopwatch watch)
      : mGraph(graph), mComposer(composer), mOptions(options), mWatch(std::move(watch)) {}

  /// Dynamic programming over the ends of the segments; residual blocks that stay are cut inside.
  [[nodiscard]] Cut best(const Chain& chain) const;
  /// Why two neighbours of a chain (or a block with itself, for equal indices) are not one layer, where no segment of `best` holds them.
  [[nodiscard]] std::string whyApart(const Chain& chain, std::size_t first, std::size_t last) const;

 private:
  struct Verdict {
    bool accepted = false;
    double cost = 0.0;
  };
  [[nodiscard]] Cut single(const Element& element) const;
  [[nodiscard]] Segment segment(const Chain& chain, std::size_t first, std::size_t last, Composite composite) const;
  [[nodiscard]] Verdict judge(const Segment& candidate) const;
  [[nodiscard]] bool isBetter(const Cut& a, const Cut& b) const;

  const GraphView& mGraph;
  const ConvComposer& mComposer;
  const FusionOptions& mOptions;
  Stopwatch mWatch;
};

/// "1.23 M", for reports.
[[nodiscard]] std::string quantity(double value);
/// "1.23 M -> 1.1 M".
[[nodiscard]] std::string change(double before, double after);

}  // namespace Aidge::detail
