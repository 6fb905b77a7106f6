#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/core/Types.hpp"
#include "aidge/data/DataProvider.hpp"
#include "aidge/graph/GraphView.hpp"

namespace Aidge {

/// Which of the merges that the border rule allows are made; each chain of layers is cut so that the whole is best (not greedily, pair by pair).
enum class FusionPolicy : std::uint8_t {
  ExactAndCheaper,  ///< least cost: merges only where the cost goes down
  Always            ///< fewest operations, then least cost
};

/// What happens where the second layer pads the first one's output, and that padding differs from what the merged layer would compute there.
enum class BorderRule : std::uint8_t {
  Refuse,  ///< no merge
  Shift,  ///< a pointwise first layer with a bias: subtracts v with A·v = -bias from the input first, which is exact; no merge where there is none
  Image,  ///< where only a bias is in the way: adds what all biases come to, an image of its own, after the merged layer. Exact, for graphs of fixed sizes
  Approximate  ///< merges, and measures the error on data
};

enum class FusionCost : std::uint8_t { Macs, Latency };

/// One merge, made or proposed. MACs count one an element for channel-wise layers and sums, and one a tap for average pooling.
struct AIDGE_EXPORT ConvolutionMerge {
  std::string name;                        ///< of the new layer
  std::string type;                        ///< Conv2D, FC …
  std::vector<std::string> nodes;          ///< what it stands for, in order
  BorderRule border = BorderRule::Refuse;  ///< Refuse: exact as it is; else what it took
  double macsBefore = 0.0;
  double macsAfter = 0.0;
  double parametersBefore = 0.0;
  double parametersAfter = 0.0;
  std::optional<double> secondsBefore;  ///< measured: the layers alone, one forward pass
  std::optional<double> secondsAfter;
  std::optional<double> error;  ///< of an approximate one, at its output: largest difference relative to the largest value, on the data
};

/// Two layers that follow each other and stay two, and why.
struct AIDGE_EXPORT RefusedMerge {
  std::string first;
  std::string second;
  std::string reason;
};

struct FusionOptions {
  FusionPolicy policy = FusionPolicy::ExactAndCheaper;
  /// Where it is set, decides instead of `policy`: of the merges that it accepts those with the fewest operations, then the least cost, are made.
  std::function<bool(const ConvolutionMerge&)> accept;
  BorderRule border = BorderRule::Refuse;
  FusionCost cost = FusionCost::Macs;
  std::vector<Dims> dims;        ///< of the graph inputs, for costs and borders; empty: as compiled, else as declared with a batch of 1
  std::size_t repeats = 7;       ///< forward passes of which latency is the median; 0: not measured
  DataProvider* data = nullptr;  ///< for BorderRule::Approximate
};

struct FusionReport {
  std::vector<ConvolutionMerge> merged;
  std::vector<RefusedMerge> refused;
  double macsBefore = 0.0;  ///< of the whole graph
  double macsAfter = 0.0;
  double parametersBefore = 0.0;
  double parametersAfter = 0.0;
  std::optional<double> secondsBefore;
  std::optional<double> secondsAfter;
  std::size_t uncounted = 0;    ///< operators that are not in the MACs, because their sizes are known only when they run
  std::optional<double> error;  ///< at the graph's outputs: largest difference relative to the largest value of an output, on the data
};

/// Merges linear layers that follow each other into one Conv or FC, at whatever depth: convolutions (1-D to 3-D, with groups, strides, dilation and
/// padding), BatchNorm, Mul/Add/Sub/Div by one value a channel, average pooling, zero Pad and FC; through Identity, Dropout and Flatten; past a global
/// mean, which goes before a pointwise layer; and across a residual sum whose branches are linear. The new layer keeps the name of the last Conv or FC
/// in it. Left alone: what others use too, graph outputs, hooked or observed nodes, weights that are not constant. Weights are composed in double.
/// A failed call leaves the graph as it was; idempotent with ExactAndCheaper. Latency is measured on the graph's backend and left out where it has none.
/// Throws std::invalid_argument if there is no graph, dims are unknown or do not fit, Approximate has no data, or Latency no backend.
AIDGE_EXPORT FusionReport fuseConvolution(const GraphViewPtr& graph, const FusionOptions& options = {});

/// A table of the merges, the refusals and the totals.
[[nodiscard]] AIDGE_EXPORT std::string toString(const FusionReport& report);
[[nodiscard]] AIDGE_EXPORT std::string_view toString(BorderRule rule);

}  // namespace Aidge
