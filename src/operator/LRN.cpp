#include <limits>

#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

void validateLRN(const Operator& op) {
  requireInt(op, "size", 1, kMaxWindowExtent);
  for (const std::string_view name : {"alpha", "beta", "bias"}) requireFinite(op, name, -std::numeric_limits<double>::infinity());
}

std::vector<TensorInfo> inferLRN(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireFloat(op, inputs);
  requireRankAtLeast(op, inputs, 0, 2);
  return result(inputs[0].dims, inputs[0].dtype);
}

bool addLRNSchema() {
  OperatorSchema schema;
  schema.type = "LRN";
  schema.brief =
      "Local response normalisation across channels: y = x / (bias + alpha / size * sum of x^2 over `size` neighbouring channels)^beta.";
  schema.inputs = {{"data", InputCategory::Data, TypeSet{DataType::Float32, DataType::Float16, DataType::BFloat16}}};
  schema.attributes = {{"size", std::int64_t{1}}, {"alpha", 1e-4}, {"beta", 0.75}, {"bias", 1.0}};
  schema.validate = validateLRN;
  schema.infer = inferLRN;
  schema.traits = traitsOf(Role::Normalisation, BatchRule::PerSample, ChannelRule::AcrossChannels);
  return OperatorRegistry::add(std::move(schema));
}

[[maybe_unused]] const bool kLRNRegistered = addLRNSchema();

}  // namespace

}  // namespace Aidge
