#pragma once
// Composes the elements of a chain: first their geometry only, then the values of what is wanted.

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "ConvChain.hpp"
#include "aidge/recipes/FuseConvolution.hpp"

namespace Aidge::detail {

/// What some neighbouring elements come to: one convolution or matrix, or why it is none.
struct Composite {
  struct Step {
    const Element* element;
    ConvShape shape;       ///< as it is composed: with the axes of the chain
    bool shifted = false;  ///< the input is shifted first, so that what stands before this step needs no bias
    bool imaged = false;   ///< the bias that stands before this step is carried on as an image
    std::array<std::shared_ptr<const Composite>, 2> branches;
  };

  ConvShape shape;
  Dims input;             ///< of the tensor that goes in
  Dims spatial;           ///< its spatial extents, dynamic where others may come
  Dims current;           ///< spatial extents after the last step
  bool isCore = false;    ///< a Conv or FC is in it
  bool isPooled = false;  ///< the convolution is pointwise, and a global mean goes before it
  bool isFlat = false;    ///< the spatial axes are gone
  bool isMatrix = false;  ///< an FC is in it
  bool isShifted = false;
  bool isImaged = false;  ///< an image is added behind it (to a matrix: its bias)
  bool isApproximate = false;
  std::vector<Step> steps;
  std::string refusal;  ///< not empty: cannot be composed, for this reason

  [[nodiscard]] BorderRule border() const;
  /// Whether it can stand in the graph as one layer.
  [[nodiscard]] bool isWritable() const;
  /// Type of the layer that stands for it.
  [[nodiscard]] std::string type() const;
  [[nodiscard]] double macs() const;
  [[nodiscard]] double parameters() const;
  /// Whether a layer of its own adds the image.
  [[nodiscard]] bool addsImage() const noexcept { return isImaged && !isMatrix; }
  /// Operations that it becomes; adding constants is not counted.
  [[nodiscard]] std::size_t operations() const { return isPooled ? 2 : 1; }
};

/// The values of a composite: y = map(x - shift) + image; no shift or image (out, positions …) where that is empty.
struct LoadedComposite {
  ConvMap map;
  std::vector<double> shift;
  std::vector<double> image;
};

class ConvComposer {
 public:
  ConvComposer(const GraphView& graph, const GraphDims& dims, BorderRule border) : mGraph(graph), mDims(dims), mBorder(border) {}

  /// Nothing composed yet, before this element.
  [[nodiscard]] Composite before(const Element& first) const;
  /// `composite` with the element after it; with a refusal where that cannot be.
  [[nodiscard]] Composite extended(Composite composite, const Element& next) const;
  [[nodiscard]] Composite composed(const Chain& chain) const;
  [[nodiscard]] LoadedComposite load(const Composite& composite) const;

 private:
  void addMap(Composite& composite, Composite::Step step) const;
  void addGlobalMean(Composite& composite, const Element& element) const;
  void addMatrix(Composite& composite, const Element& element) const;
  void addBlock(Composite& composite, const Element& element) const;
  void checkBorder(Composite& composite, Composite::Step& step) const;
  [[nodiscard]] LoadedComposite loadStep(const Composite::Step& step) const;

  const GraphView& mGraph;
  const GraphDims& mDims;
  BorderRule mBorder;
};

}  // namespace Aidge::detail
