#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

std::vector<TensorInfo> inferIdentity(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  return result(inputs[0].dims, inputs[0].dtype);
}

void validateDropout(const Operator& op) {
  const double ratio = op.attribute<double>("ratio");
  if (!(ratio >= 0.0 && ratio <= 1.0)) throwExpected(errorSite(op), "ratio in [0, 1]", std::to_string(ratio));
}

bool addIdentity() {
  OperatorSchema schema;
  schema.type = "Identity";
  schema.brief = "Hands its input on: y = x.";
  schema.inputs = {{"data", InputCategory::Data, kAllTypes}};
  schema.infer = inferIdentity;
  schema.traits = traitsOf(Role::Renaming, BatchRule::PerSample, ChannelRule::Pass);
  return OperatorRegistry::add(std::move(schema));
}

bool addDropout() {
  OperatorSchema schema;
  schema.type = "Dropout";
  schema.brief = "Dropout at inference: y = x.";
  schema.inputs = {{"data", InputCategory::Data, kAllTypes}};
  schema.attributes = {{"ratio", 0.5}};
  schema.validate = validateDropout;
  schema.infer = inferIdentity;
  schema.traits = traitsOf(Role::Renaming, BatchRule::PerSample, ChannelRule::Pass);
  return OperatorRegistry::add(std::move(schema));
}

[[maybe_unused]] const bool kIdentityRegistered = addIdentity() && addDropout();

}  // namespace

}  // namespace Aidge
