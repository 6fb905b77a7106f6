// Where, Pow (whose inputs may differ in type), and tests of single values: Not, BitwiseNot, IsNaN, IsInf.
#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

std::vector<TensorInfo> inferPow(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireTypes(op, inputs);
  return result(commonDims(op, inputs), inputs[0].dtype);
}

std::vector<TensorInfo> inferWhere(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireTypes(op, inputs);
  requireSameType(op, inputs.subspan(1), 1);
  return result(commonDims(op, inputs), inputs[1].dtype);
}

bool addPow() {
  OperatorSchema power = broadcasting("Pow", "Power with broadcasting, in the type of A: y = A^B.", kNumericTypes);
  power.infer = inferPow;
  return OperatorRegistry::add(std::move(power));
}

bool addWhere() {
  OperatorSchema where = broadcasting("Where", "y = X where the condition holds, else Y, with broadcasting.", kAllTypes);
  where.inputs = {
      {"condition", InputCategory::Data, kBoolType}, {"X", InputCategory::Data, kAllTypes}, {"Y", InputCategory::Data, kAllTypes}};
  where.infer = inferWhere;
  where.traits.role = Role::Selection;
  return OperatorRegistry::add(std::move(where));
}

/// One input; its dims, maybe as truth values.
bool addTest(std::string type, std::string formula, TypeSet types, bool toTruth, AttributeMap attributes = {}) {
  OperatorSchema schema = broadcasting(std::move(type), std::move(formula), types, std::move(attributes));
  schema.inputs = {{"data", InputCategory::Data, types}};
  if (toTruth) schema.infer = inferTruth;
  return OperatorRegistry::add(std::move(schema));
}

bool addTests() {
  return addTest("Not", "y = not x.", kBoolType, true) && addTest("BitwiseNot", "Bit by bit: y = ~x.", kIntegerTypes, false) &&
         addTest("IsNaN", "Whether x is no number.", kFloatTypes, true) &&
         addTest("IsInf", "Whether x is infinite: positive (unless detect_positive is off) or negative (unless detect_negative is off).",
                 kFloatTypes, true, {{"detect_negative", true}, {"detect_positive", true}});
}

[[maybe_unused]] const bool kSelectRegistered = addPow() && addWhere() && addTests();

}  // namespace
}  // namespace Aidge
