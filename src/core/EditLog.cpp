#include "EditLog.hpp"

#include <cstddef>

namespace Aidge::detail {

namespace {

struct Log {
  std::vector<std::function<void()>> actions;
  int depth = 0;           ///< of nested transactions
  bool isUndoing = false;  ///< what undoing changes is not recorded again
};

Log& log() {
  thread_local Log instance;
  return instance;
}

void undoTo(std::size_t mark) {
  Log& own = log();
  own.isUndoing = true;
  while (own.actions.size() > mark) {
    const std::function<void()> action = std::move(own.actions.back());
    own.actions.pop_back();
    action();
  }
  own.isUndoing = false;
}

}  // namespace

bool EditLog::isActive() noexcept { return log().depth > 0 && !log().isUndoing; }

void EditLog::append(std::function<void()> undo) { log().actions.push_back(std::move(undo)); }

void EditLog::run(const std::function<void()>& edit) {
  Log& own = log();
  const std::size_t mark = own.actions.size();
  ++own.depth;
  try {
    edit();
  } catch (...) {
    undoTo(mark);
    --own.depth;
    throw;
  }
  if (--own.depth == 0) own.actions.clear();
}

}  // namespace Aidge::detail
