#pragma once

#include <functional>
#include <utility>
#include <vector>

namespace Aidge::detail {

/// How to undo what a transaction has done so far. Each thread has a log of its own; operators, nodes and graphs add to it whatever they change.
class EditLog {
 public:
  /// Whether a transaction of this thread is under way.
  [[nodiscard]] static bool isActive() noexcept;
  /// Keeps an action that undoes an edit. Nothing is kept outside of a transaction.
  template <typename Undo> static void record(Undo&& undo) {
    if (isActive()) append(std::forward<Undo>(undo));
  }
  /// Runs `edit`. If it throws, everything that it has recorded is undone, the last edit first, and the exception continues. May be nested: an inner
  /// transaction that ends well is undone with the outer one.
  static void run(const std::function<void()>& edit);

 private:
  static void append(std::function<void()> undo);
};

}  // namespace Aidge::detail
