// Private to compress: which layers are fitted, at what they aim, and which of them can share a pass.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "Patches.hpp"
#include "Replay.hpp"

namespace Aidge::compress {

/// A layer of the current network and its counterpart.
struct FittedLayer {
  LinearNode layer;
  TensorRef input;                ///< of the current network
  TensorRef output;               ///< its output, or the sum that it ends in
  TensorRef target;               ///< the same of the original
  NodePtr counterpart;            ///< the layer of the original
  std::vector<std::size_t> kept;  ///< outputs of the original that the target is cut to
  std::size_t positions = 1;      ///< of the output, a sample
  std::size_t unit = 0;           ///< layers of one unit share their weight, and follow each other
  bool isRecurrent = false;       ///< an input of the unit depends on an output of it
  std::string obstacle;           ///< not empty: left alone, and why
};

/// All layers of `current`, unit by unit: a unit comes after those that its inputs depend on, where these do not depend on it, too; else in order of
/// execution. `aimsAtSums`: those that end in a sum aim at that. Throws std::invalid_argument where `kept` does not fit.
[[nodiscard]] std::vector<FittedLayer> fittedLayers(const GraphViewPtr& original, const GraphViewPtr& current,
                                                    const std::vector<Dims>& dims,
                                                    const std::map<std::string, std::vector<std::size_t>>& kept,
                                                    const std::map<std::string, std::string>& targets, bool aimsAtSums);

/// Numbers of the layers of consecutive units that do not depend on one another and whose moments together take at most `memory` bytes; layers with an obstacle are
/// in none, recurrent units alone.
[[nodiscard]] std::vector<std::vector<std::size_t>> independentLayers(const GraphViewPtr& current, const std::vector<FittedLayer>& layers,
                                                                      double memory);

}  // namespace Aidge::compress
