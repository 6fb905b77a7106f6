#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

std::vector<TensorInfo> inferProducer(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  const auto value = op.getOutput(0);
  return {TensorInfo{value->dims(), value->dataType(), value->hasData() ? value : nullptr}};
}

bool addProducerSchema() {
  OperatorSchema schema;
  schema.type = "Producer";
  schema.brief = "Yields a value held by the graph: a parameter, or with `constant` a value that no recipe shall change.";
  schema.attributes = {{"constant", false}};
  schema.infer = inferProducer;
  schema.traits = opaqueTraits("which is a constant");
  schema.traits.role = Role::Constant;
  return OperatorRegistry::add(std::move(schema));
}

[[maybe_unused]] const bool kProducerRegistered = addProducerSchema();

}  // namespace
}  // namespace Aidge
