// Private to fibnlr: what prepare leaves on a node besides its public attributes.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "aidge/fibnlr/Attributes.hpp"
#include "aidge/graph/Hook.hpp"
#include "aidge/graph/Node.hpp"
#include "aidge/graph/Observer.hpp"

namespace Aidge::fibnlr::detail {

/// Adds what the engine sums up to a node's NPR and ActivityTracker.
class InputObserver final : public Observer {
 public:
  InputObserver(std::shared_ptr<NPR> ratio, std::shared_ptr<ActivityTracker> activity, double upper)
      : mRatio(std::move(ratio)), mActivity(std::move(activity)), mUpper(upper) {}
  [[nodiscard]] Request request() const override { return Request::SignSummary; }
  [[nodiscard]] double upper() const override { return mUpper; }
  using Observer::observe;
  void observe(const SignSummary& summary) override;

 private:
  std::shared_ptr<NPR> mRatio;
  std::shared_ptr<ActivityTracker> mActivity;
  double mUpper;
};

/// The handle of the node's InputObserver, kept as an attribute. A clone of the node has no observer, so a copy is empty.
struct Registration {
  static constexpr std::string_view name = "fibnlr.observer";
  HookHandle handle;

  Registration() = default;
  Registration(const Registration& /*other*/) {}
  Registration& operator=(const Registration& /*other*/) {
    handle = {};
    return *this;
  }
};

/// Puts an observer on the node's input unless one is there. The node must have NPR and ActivityTracker. True if it put one.
bool attachObserver(const NodePtr& node);
/// Takes the observer off. True if there was one.
bool detachObserver(const NodePtr& node);

}  // namespace Aidge::fibnlr::detail
