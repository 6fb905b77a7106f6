#include "aidge/operator/Cast.hpp"

#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

std::vector<TensorInfo> inferCast(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  return result(inputs[0].dims, castTarget(op));
}

bool addCastSchema() {
  OperatorSchema schema;
  schema.type = "Cast";
  schema.brief = "The values in another type `to`: integers wrap round, floating point numbers are truncated towards zero, bool is x != 0.";
  schema.inputs = {{"data", InputCategory::Data, kAllTypes}};
  schema.attributes = {{"to", std::string("float32")}};
  schema.validate = [](const Operator& op) { static_cast<void>(castTarget(op)); };
  schema.traits = traitsOf(Role::Conversion, BatchRule::PerSample, ChannelRule::Pass);
  schema.infer = inferCast;
  return OperatorRegistry::add(std::move(schema));
}

[[maybe_unused]] const bool kCastRegistered = addCastSchema();

}  // namespace

DataType castTarget(const Operator& op) {
  const auto& name = op.attribute<std::string>("to");
  const auto type = dataTypeOf(name);
  if (!type) throwExpected(errorSite(op), "`to` as the name of an element type, such as \"float32\"", "\"" + name + "\"");
  return *type;
}

}  // namespace Aidge
