#pragma once
// Which operators are linear in their data, and as what convolution.

#include <optional>
#include <string>
#include <vector>

#include "aidge/graph/GraphShapes.hpp"
#include "aidge/operator/Operator.hpp"
#include "aidge/recipes/ConvMap.hpp"

namespace Aidge::detail {

/// Dims of every tensor of a graph and of the graphs inside it, for given input dims.
class GraphDims {
 public:
  /// Empty `inputs`: those the graph was compiled for, else the declared ones with a batch of 1. Throws std::invalid_argument if an axis behind the
  /// batch is free, and as inferShapes does.
  GraphDims(const GraphView& graph, std::vector<Dims> inputs);

  /// False for a node whose dims only a run tells; `input`, `output` and `workOf` need a node that is known.
  [[nodiscard]] bool knows(const NodePtr& node) const { return mShapes.contains(node.get()); }
  [[nodiscard]] const Dims& input(const NodePtr& node, IOIndex_t index) const;
  [[nodiscard]] const Dims& output(const NodePtr& node) const;
  [[nodiscard]] const std::vector<Dims>& inputs() const noexcept { return mInputs; }
  /// Whether the graph takes no other extents than these on all axes behind the batch.
  [[nodiscard]] bool isFixed() const noexcept { return mFixed; }
  /// layers::workOf of a node of the graph or of one inside it.
  [[nodiscard]] double workOf(const NodePtr& node) const;
  /// The spatial extents of (batch, channels, spatial …); dynamic ones where the graph takes others too.
  [[nodiscard]] Dims spatial(const Dims& dims) const;

 private:
  std::vector<Dims> mInputs;
  GraphShapes mShapes;
  bool mFixed = true;
};

enum class LayerKind : std::uint8_t {
  Map,             ///< a convolution, or what can be written as one
  Pass,            ///< Identity, Dropout
  Flatten,         ///< (batch, channels, spatial …) → (batch, all the rest)
  GlobalMean,      ///< mean over all spatial axes
  FullyConnected,  ///< a matrix over all channels and positions
};

struct LinearLayer {
  LayerKind kind = LayerKind::Pass;
  IOIndex_t data = 0;     ///< which input the data arrives at
  bool isCore = false;    ///< a Conv or FC: what merging is about
  bool flattens = false;  ///< a GlobalMean that drops the spatial axes
  bool isOffset = false;  ///< it only adds a constant
  ConvShape shape;        ///< of a Map; of a FullyConnected without axes
  std::string reason;     ///< not empty: of such a type, but not usable, for this reason
  [[nodiscard]] bool isUsable() const noexcept { return reason.empty(); }
};

/// nullopt if the node's type is none of these.
[[nodiscard]] std::optional<LinearLayer> readLayer(const GraphView& graph, const NodePtr& node, const GraphDims& dims);
/// The values of a layer of kind Map or FullyConnected that is usable; `input`: dims of its data.
[[nodiscard]] ConvMap loadLayer(const GraphView& graph, const NodePtr& node, const LinearLayer& layer, const Dims& input);

}  // namespace Aidge::detail
