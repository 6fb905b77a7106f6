#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ConvComposer.hpp"

namespace Aidge::detail {

/// The new nodes that stand for a composite, connected among themselves, the first one's input free: a Sub where the input is shifted, a global mean
/// where it is pooled, the Conv or FC, and an Add where an image follows.
class MergedLayer {
 public:
  /// `composite` must outlive it. Values come from fill or fillAny.
  MergedLayer(const Composite& composite, DataType dtype);

  [[nodiscard]] const std::vector<NodePtr>& nodes() const noexcept { return mNodes; }
  /// The Conv or FC.
  [[nodiscard]] const NodePtr& core() const noexcept { return mCore; }
  /// Any values, for timing.
  void fillAny();
  /// Throws std::invalid_argument if a value is too large for the type.
  void fill(const LoadedComposite& loaded);
  /// Names nodes and producers after `name`; `free` makes a name that is not taken.
  void setNames(const std::string& name, const std::function<std::string(const std::string&)>& free);

 private:
  void append(const NodePtr& node);
  [[nodiscard]] Dims weightDims() const;
  [[nodiscard]] Dims shiftDims() const;
  [[nodiscard]] Dims imageDims() const;
  [[nodiscard]] Tensor tensor(Dims dims, const std::vector<double>& values) const;

  const Composite& mComposite;
  DataType mDtype;
  std::vector<NodePtr> mNodes;
  NodePtr mCore;
};

}  // namespace Aidge::detail
