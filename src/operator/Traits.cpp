#include "aidge/operator/Traits.hpp"

#include "aidge/operator/Operator.hpp"

namespace Aidge {

std::optional<ChannelAffine> notAffine(const Operator& /*op*/, IOIndex_t /*data*/, const Dims& /*dims*/,
                                       std::span<const Tensor* const> /*inputs*/) {
  return std::nullopt;
}

std::optional<double> notRectifier(const Operator& /*op*/) { return std::nullopt; }

const OperatorTraits& Operator::traits() const noexcept {
  static const OperatorTraits unknown{.role = Role::Other,
                                      .batch = {BatchRule::Whole},
                                      .channels = {ChannelRule::Refused, "whose channels cannot be followed"},
                                      .affine = notAffine,
                                      .rectifier = notRectifier};
  return mSchema != nullptr ? mSchema->traits : unknown;
}

}  // namespace Aidge
