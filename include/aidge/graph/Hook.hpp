#pragma once

#include <functional>
#include <memory>

#include "aidge/core/Export.hpp"

namespace Aidge {

/// Takes a hook or an observer off again. Copies share the same registration; dropping a handle leaves the hook in place.
class AIDGE_EXPORT HookHandle {
 public:
  HookHandle() = default;
  explicit HookHandle(std::function<void()> remove) : mRemove(std::make_shared<std::function<void()>>(std::move(remove))) {}
  /// Idempotent; safe after the node is gone.
  void remove();
  [[nodiscard]] bool isActive() const noexcept { return mRemove && *mRemove; }

 private:
  std::shared_ptr<std::function<void()>> mRemove;
};

}  // namespace Aidge
