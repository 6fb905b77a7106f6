// What goes along one axis, line by line: ArgMax, ArgMin, Hardmax, CumSum, LpNormalization.
#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

std::vector<TensorInfo> inferExtreme(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireTypes(op, inputs);
  requireRankAtLeast(op, inputs, 0, 1);
  Dims dims = inputs[0].dims;
  const DimIdx_t axis = normaliseAxis(errorSite(op), op.attribute<std::int64_t>("axis"), dims.size());
  if (dims[axis] == 0) throwExpected(errorSite(op), "elements along the axis", describeInput(op, inputs, 0));
  if (op.attribute<bool>("keep_dims")) {
    dims[axis] = 1;
  } else {
    dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(axis));
  }
  return result(std::move(dims), DataType::Int64);
}

bool addExtremes() {
  for (const auto& [type, word] : {std::pair{"ArgMax", "greatest"}, {"ArgMin", "least"}}) {
    OperatorSchema schema;
    schema.type = type;
    schema.brief = std::string("Index (int64) of the ") + word +
                   " value along the axis: of the first such one, or of the last where select_last_index is set.";
    schema.inputs = {{"data", InputCategory::Data, kNumericTypes}};
    schema.attributes = {{"axis", std::int64_t{0}}, {"keep_dims", true}, {"select_last_index", false}};
    schema.infer = inferExtreme;
    schema.traits = opaqueTraits("which gives indices");
    OperatorRegistry::add(std::move(schema));
  }
  return true;
}

bool addAxisOperators() {
  OperatorSchema lp;
  lp.type = "LpNormalization";
  lp.brief = "Along the axis: y = x / (sum of |x|^p)^(1/p), p = 1 or 2; 0 if that norm is 0.";
  lp.inputs = {{"data", InputCategory::Data, kFloatTypes}};
  lp.attributes = {{"axis", std::int64_t{-1}}, {"p", std::int64_t{2}}};
  lp.validate = [](const Operator& op) { requireInt(op, "p", 1, 2); };
  lp.infer = inferAlongAxis;
  lp.traits = alongAxisTraits(Role::Normalisation);
  OperatorSchema sum;
  sum.type = "CumSum";
  sum.brief = "Running sum along the axis: of the values up to each one, without it if `exclusive`, from the end if `reverse`.";
  sum.inputs = {{"data", InputCategory::Data, kNumericTypes}};
  sum.attributes = {{"axis", std::int64_t{0}}, {"exclusive", false}, {"reverse", false}};
  sum.infer = inferAlongAxis;
  sum.traits = alongAxisTraits();
  OperatorSchema hardmax;
  hardmax.type = "Hardmax";
  hardmax.brief = "1 at the first greatest value along the axis, 0 elsewhere.";
  hardmax.inputs = {{"data", InputCategory::Data, kFloatTypes}};
  hardmax.attributes = {{"axis", std::int64_t{-1}}};
  hardmax.infer = inferAlongAxis;
  hardmax.traits = alongAxisTraits();
  return OperatorRegistry::add(std::move(lp)) && OperatorRegistry::add(std::move(sum)) && OperatorRegistry::add(std::move(hardmax));
}

[[maybe_unused]] const bool kAxisScanRegistered = addExtremes() && addAxisOperators();

}  // namespace
}  // namespace Aidge
