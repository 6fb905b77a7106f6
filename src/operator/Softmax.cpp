#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

bool addSoftmaxSchema(const char* type, const char* brief) {
  OperatorSchema schema;
  schema.type = type;
  schema.brief = brief;
  schema.inputs = {{"data", InputCategory::Data, kFloatTypes}};
  schema.attributes = {{"axis", std::int64_t{-1}}};
  schema.infer = [](const Operator& op, Inputs inputs) {
    requireFloat(op, inputs);
    return inferAlongAxis(op, inputs);
  };
  schema.traits = alongAxisTraits();
  return OperatorRegistry::add(std::move(schema));
}

[[maybe_unused]] const bool kSoftmaxRegistered =
    addSoftmaxSchema("Softmax", "Normalised exponential along one axis: y = exp(x) / (sum of exp(x) along axis).") &&
    addSoftmaxSchema("LogSoftmax", "Its logarithm: y = x - log(sum of exp(x) along axis).");

}  // namespace

}  // namespace Aidge
