#include "aidge/graph/Hook.hpp"

#include <utility>

namespace Aidge {

void HookHandle::remove() {
  if (!isActive()) return;
  const auto action = std::exchange(*mRemove, nullptr);
  action();
}

}  // namespace Aidge
