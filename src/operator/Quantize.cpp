// QuantizeLinear and DequantizeLinear: between floats and small integers, with one scale for the whole tensor or one for each index of an axis.
#include "SchemaUtils.hpp"
#include "aidge/operator/Cast.hpp"

namespace Aidge {
namespace {

using namespace detail;

constexpr std::size_t kScale = 1;
constexpr std::size_t kZeroPoint = 2;
constexpr TypeSet kSteps{DataType::Int8, DataType::UInt8, DataType::Int16, DataType::UInt16};

bool isPerAxis(Inputs inputs) { return elementCount(inputs[kScale].dims) != 1; }

/// One scale, or as many as the axis is long; the zero points are like the scales.
void checkScales(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireTypes(op, inputs);
  const Dims& scales = inputs[kScale].dims;
  if (isPerAxis(inputs)) {
    requireRank(op, inputs, kScale, 1);
    const DimIdx_t axis = normaliseAxis(errorSite(op), op.attribute<std::int64_t>("axis"), inputs[kData].dims.size());
    requireDims(op, inputs, kScale, {inputs[kData].dims[axis]});
  }
  if (isPresent(inputs, kZeroPoint) && elementCount(inputs[kZeroPoint].dims) != elementCount(scales)) {
    throwExpected(errorSite(op), "zero points of the dims of the scales, " + toString(scales), toString(inputs[kZeroPoint].dims));
  }
}

std::vector<TensorInfo> inferQuantize(const Operator& op, Inputs inputs) {
  checkScales(op, inputs);
  return result(inputs[kData].dims, isPresent(inputs, kZeroPoint) ? inputs[kZeroPoint].dtype : castTarget(op));
}

std::vector<TensorInfo> inferDequantize(const Operator& op, Inputs inputs) {
  checkScales(op, inputs);
  if (isPresent(inputs, kZeroPoint) && inputs[kZeroPoint].dtype != inputs[kData].dtype) {
    throwExpected(errorSite(op), "zero points of the type of the data, " + std::string(toString(inputs[kData].dtype)),
                  std::string(toString(inputs[kZeroPoint].dtype)));
  }
  return result(inputs[kData].dims, DataType::Float32);
}

/// The batch can be cut unless it has scales of its own.
bool hasScalesForWholeBatch(const Operator& op, Inputs inputs) { return !isPerAxis(inputs) || sparesBatch(op, inputs); }

OperatorSchema quantisation(std::string type, std::string brief) {
  OperatorSchema schema;
  schema.type = std::move(type);
  schema.brief = std::move(brief);
  schema.attributes = {{"axis", std::int64_t{1}}};
  schema.traits = traitsOf(Role::Other, BatchRule::PerSample, ChannelRule::Scaled);
  schema.traits.batch.holds = hasScalesForWholeBatch;
  return schema;
}

bool addQuantizeSchemas() {
  OperatorSchema quantize = quantisation(
      "QuantizeLinear",
      "Integers that stand for floats: y = round(x / scale) + zero point, ties to even, clipped to the type of the zero point, or `to`.");
  quantize.inputs = {{"data", InputCategory::Data}, {"scale", InputCategory::Param}, {"zero_point", InputCategory::OptionalParam, kSteps}};
  quantize.attributes["to"] = std::string("uint8");
  quantize.validate = [](const Operator& op) {
    const DataType to = castTarget(op);
    if (!kSteps.contains(to)) throwExpected(errorSite(op), "`to` as int8, uint8, int16 or uint16", std::string(toString(to)));
  };
  quantize.infer = inferQuantize;
  OperatorSchema dequantize = quantisation("DequantizeLinear", "The floats that integers stand for: y = (x - zero point) * scale.");
  const TypeSet whole = kSteps | TypeSet{DataType::Int32};
  dequantize.inputs = {
      {"data", InputCategory::Data, whole}, {"scale", InputCategory::Param}, {"zero_point", InputCategory::OptionalParam, whole}};
  dequantize.infer = inferDequantize;
  return OperatorRegistry::add(std::move(quantize)) && OperatorRegistry::add(std::move(dequantize));
}

[[maybe_unused]] const bool kQuantizeRegistered = addQuantizeSchemas();

}  // namespace
}  // namespace Aidge
