#include "aidge/data/TensorSlot.hpp"

namespace Aidge {

namespace {

thread_local TensorSlot::Shown* tShown = nullptr;

}  // namespace

TensorSlot::Value TensorSlot::get() const {
  if (const Value* shown = Shown::find(this)) return *shown;
  const std::lock_guard lock(mMutex);
  return mTensor;
}

void TensorSlot::set(Value tensor) {
  if (Value* shown = Shown::find(this)) *shown = tensor;
  const std::lock_guard lock(mMutex);
  mTensor.swap(tensor);
}

TensorSlot::Shown::Shown(std::vector<std::pair<const TensorSlot*, Value>> tensors)
    : mTensors(std::move(tensors)), mBefore(std::exchange(tShown, this)) {}

TensorSlot::Shown::~Shown() { tShown = mBefore; }

TensorSlot::Value* TensorSlot::Shown::find(const TensorSlot* slot) {
  for (Shown* shown = tShown; shown != nullptr; shown = shown->mBefore) {
    for (auto& [place, tensor] : shown->mTensors) {
      if (place == slot) return &tensor;
    }
  }
  return nullptr;
}

}  // namespace Aidge
