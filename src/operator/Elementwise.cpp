#include "aidge/operator/Elementwise.hpp"

#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

std::vector<TensorInfo> infer(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireNumeric(op, inputs);
  requireSameType(op, inputs);
  return result(broadcastDims(errorSite(op), inputs[0].dims, inputs[1].dims), inputs[0].dtype);
}

bool addSchema(std::string type, std::string formula) {
  OperatorSchema schema;
  schema.type = std::move(type);
  schema.brief = std::move(formula);
  schema.inputs = {{"A", InputCategory::Data}, {"B", InputCategory::Data}};
  schema.infer = infer;
  return OperatorRegistry::add(std::move(schema));
}

[[maybe_unused]] const bool kRegistered = addSchema("Add", "Sum with broadcasting: y = A + B.") &&
                                          addSchema("Sub", "Difference with broadcasting: y = A - B.") &&
                                          addSchema("Mul", "Product with broadcasting: y = A * B.") &&
                                          addSchema("Div", "Quotient with broadcasting: y = A / B; integers are truncated towards zero.");

}  // namespace

NodePtr Add(const std::string& name) { return makeNode("Add", {}, name); }

NodePtr Sub(const std::string& name) { return makeNode("Sub", {}, name); }

NodePtr Mul(const std::string& name) { return makeNode("Mul", {}, name); }

NodePtr Div(const std::string& name) { return makeNode("Div", {}, name); }

}  // namespace Aidge
