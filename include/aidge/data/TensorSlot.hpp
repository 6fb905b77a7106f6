#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/data/Tensor.hpp"

namespace Aidge {

/// A place where one tensor is published: some threads may replace it while others read it. Each reader gets the tensor that was there when it asked.
class AIDGE_EXPORT TensorSlot {
 public:
  using Value = std::shared_ptr<const Tensor>;

  /// Nothing is published.
  TensorSlot() = default;
  explicit TensorSlot(Tensor tensor) : mTensor(std::make_shared<const Tensor>(std::move(tensor))) {}

  /// nullptr until something is published.
  [[nodiscard]] Value get() const;
  void set(Value tensor);
  void set(Tensor tensor) { set(std::make_shared<const Tensor>(std::move(tensor))); }

  /// While it lives, its thread finds these tensors in these slots, whatever other threads publish there: a hook sees the run that calls it.
  class Shown {
   public:
    explicit Shown(std::vector<std::pair<const TensorSlot*, Value>> tensors);
    ~Shown();
    Shown(const Shown&) = delete;
    Shown& operator=(const Shown&) = delete;

   private:
    friend class TensorSlot;
    [[nodiscard]] static Value* find(const TensorSlot* slot);

    std::vector<std::pair<const TensorSlot*, Value>> mTensors;
    Shown* mBefore;
  };

 private:
  mutable std::mutex mMutex;
  Value mTensor;
};

}  // namespace Aidge
