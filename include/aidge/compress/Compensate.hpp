#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "aidge/compress/CalibrationData.hpp"
#include "aidge/core/Export.hpp"
#include "aidge/graph/GraphView.hpp"

namespace Aidge::compress {

/// Called before each layer with (layers done, layers in all, its name); false stops: what is done stays. What it throws ends the call as a failure.
using LayerProgress = std::function<bool(std::size_t, std::size_t, const std::string&)>;

/// How a layer makes up for what went before it.
enum class CompensationMethod : std::uint8_t {
  LeastSquares,  ///< new weights and bias, by ridge regression on its patches
  MeanVariance,  ///< its weights times a number an output, and a new bias: the output gets the original's mean and variance
};

struct AIDGE_EXPORT CompensationOptions {
  CompensationMethod method = CompensationMethod::LeastSquares;
  /// Strengths of the ridge that are tried; infinity changes the bias alone.
  std::vector<double> ridges{1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0};
  double fitShare = 0.7;            ///< of the samples; the others decide which strength is best. In (0, 1)
  std::size_t maxUnknowns = 5000;   ///< a layer with more (inputs · taps, of a group) stays as it is: its moments take 8 · unknowns² bytes
  std::size_t rowsPerUnknown = 40;  ///< positions that are looked at, a layer, for each unknown …
  std::size_t minRows = 40'000;     ///< … but at least so many; an eighth of it of convolutions with groups
  std::size_t memory = std::size_t{1} << 31;  ///< bytes for tensors between layers; 0: computed from the data again for each layer
  /// Throws std::invalid_argument, naming the option.
  void validate() const;
};

/// What became of one layer.
struct AIDGE_EXPORT LayerCompensation {
  std::string layer;
  std::string target;           ///< node of the original whose output was aimed at: the layer, or the sum that it ends in
  bool isChanged = false;       ///< false: stays as it was
  std::optional<double> ridge;  ///< by least squares, where the layer was changed
  double errorBefore = 0.0;     ///< on held-out samples: mean square of (original - current), relative to the original's variance
  double errorAfter = 0.0;      ///< the same with the chosen change
  std::string note;             ///< why nothing was done, if nothing was
};

struct CompensationReport {
  std::vector<LayerCompensation> layers;  ///< in order of execution
  std::size_t passes = 0;                 ///< over the provider
};

/// Changes weights and biases of `current`, a smaller version of `original`, so that layer after layer its outputs come near the original's on the data.
///
/// For each Conv and FC, in order of execution: Z = patches of its input as `current` gives them, all layers before already changed; R = the
/// original's output - the current one; D of least |Z D - R|² + ridge · mean(diag Z^T Z) · |D|² about the means is added to the weights, the bias follows. The
/// strength is the one of the least error on held-out samples, "no change" among the candidates, then fitted again on all. Where the layer ends in a sum whose
/// other operand is final, the original's sum - the current one is aimed at. Of a convolution with groups each
/// group is solved by itself, with one strength for all of them. Moments are accumulated in double; patches are never kept.
///
/// By CompensationMethod::MeanVariance each output of a layer gets the mean and the variance that it has in the original, where that lowers the error on
/// held-out samples; sums are not aimed at.
///
/// Layers are matched by name. `targets`: for layers that aim at another node's output, its name in the original (the activation that a layer has taken over). `kept`: for layers whose outputs were cut, which outputs of the original they still have. Both must be compiled. After a failure the
/// weights are as before the call.
/// Throws std::invalid_argument: not compiled, data that does not fit, options out of range, `kept` that does not fit the layers.
AIDGE_EXPORT CompensationReport compensate(const GraphViewPtr& original, const GraphViewPtr& current, CalibrationData& data,
                                           const std::map<std::string, std::vector<std::size_t>>& kept,
                                           const std::map<std::string, std::string>& targets = {}, const CompensationOptions& options = {},
                                           const LayerProgress& progress = {});

}  // namespace Aidge::compress
