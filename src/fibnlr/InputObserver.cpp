#include "InputObserver.hpp"

#include <limits>

#include "aidge/operator/Operator.hpp"

namespace Aidge::fibnlr::detail {

void InputObserver::observe(const SignSummary& summary) {
  mRatio->neg += summary.negative;
  mRatio->pos += summary.positive;
  mActivity->add(summary.active);
}

bool attachObserver(const NodePtr& node) {
  auto& registration = node->add<Registration>();
  if (registration.handle.isActive()) return false;
  const Operator& op = *node->getOperator();
  const double upper = op.traits().rectifier(op).value_or(std::numeric_limits<double>::infinity());
  AttributeStore& store = node->attributes();
  auto observer =
      std::make_shared<InputObserver>(store.get<NPR>({}, node->describe()), store.get<ActivityTracker>({}, node->describe()), upper);
  registration.handle = node->addInputObserver(0, std::move(observer));
  return true;
}

bool detachObserver(const NodePtr& node) {
  auto* registration = node->tryGet<Registration>();
  if (registration == nullptr) return false;
  const bool active = registration->handle.isActive();
  registration->handle.remove();
  node->attributes().remove<Registration>();
  return active;
}

}  // namespace Aidge::fibnlr::detail
