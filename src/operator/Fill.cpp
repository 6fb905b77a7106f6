#include <algorithm>
#include <cmath>
#include <limits>

#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

/// Beyond this a Range would not fit memory.
constexpr double kMostElements = 4611686018427387904.0;

void requireExtents(const Operator& op, std::string_view name, const Ints& values) {
  requireEntries(op, name, values, values.size(), 0, std::numeric_limits<std::int64_t>::max());
}

std::vector<TensorInfo> inferConstantOfShape(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  const Ints shape = listArgument(op, inputs, 0);
  requireExtents(op, "shape", shape);
  return result(shape, op.attribute<Tensor>("value").dataType());
}

/// The value of an input of one element. Throws where there are more, or where it is only known at run time.
double scalarArgument(const Operator& op, Inputs inputs, std::size_t index) {
  const TensorInfo& input = inputs[index];
  if (elementCount(input.dims) != 1) throwExpected(errorSite(op), op.inputSpec(index).name + " of one element", toString(input.dims));
  if (input.value == nullptr) {
    throw DataDependentError("[" + errorSite(op) + "] expected " + op.inputSpec(index).name +
                             " to be known before run time, got a value that is not");
  }
  return input.value->toDoubles()[0];
}

std::vector<TensorInfo> inferRange(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireSameType(op, inputs);
  requireNumeric(op, inputs);
  const double start = scalarArgument(op, inputs, 0);
  const double limit = scalarArgument(op, inputs, 1);
  const double delta = scalarArgument(op, inputs, 2);
  const double count = std::ceil((limit - start) / delta);
  if (delta == 0.0 || std::isnan(count) || count >= kMostElements) {
    throwExpected(errorSite(op), "start, limit and delta of a finite range",
                  std::to_string(start) + ", " + std::to_string(limit) + " and " + std::to_string(delta));
  }
  return result({std::max<DimSize_t>(0, static_cast<DimSize_t>(count))}, inputs[0].dtype);
}

std::vector<TensorInfo> inferEyeLike(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireRank(op, inputs, 0, 2);
  const auto& dtype = op.attribute<std::string>("dtype");
  return result(inputs[0].dims, dtype.empty() ? inputs[0].dtype : *dataTypeOf(dtype));
}

std::vector<TensorInfo> inferOneHot(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireDims(op, inputs, 2, {2});
  const double depth = scalarArgument(op, inputs, 1);
  if (!(depth >= 1.0 && depth < kMostElements)) throwExpected(errorSite(op), "a depth of at least 1", std::to_string(depth));
  Dims dims = inputs[0].dims;
  const DimIdx_t axis = normaliseAxis(errorSite(op), op.attribute<std::int64_t>("axis"), dims.size() + 1);
  dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(axis), static_cast<DimSize_t>(depth));
  return result(std::move(dims), inputs[2].dtype);
}

std::vector<TensorInfo> inferTrilu(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireRankAtLeast(op, inputs, 0, 2);
  return result(inputs[0].dims, inputs[0].dtype);
}

void validateType(const Operator& op) {
  const auto& name = op.attribute<std::string>("dtype");
  if (!name.empty() && !dataTypeOf(name)) throwExpected(errorSite(op), "dtype to be a type's name", "\"" + name + "\"");
}

void validateValue(const Operator& op) {
  const Tensor& value = op.attribute<Tensor>("value");
  if (!value.hasData() || value.size() != 1) throwExpected(errorSite(op), "a value of one element", value.toString());
}

bool addFillSchema(std::string type, std::string brief, const std::vector<std::string>& inputs, std::vector<std::string> extraInputs,
                   AttributeMap attributes, InferFunction infer, std::string refusal, void (*validate)(const Operator&) = nullptr) {
  OperatorSchema schema;
  schema.type = std::move(type);
  schema.brief = std::move(brief);
  for (const std::string& name : inputs)
    schema.inputs.push_back({name, InputCategory::Data, name == "data" || name == "values" ? kAllTypes : kNumericTypes});
  schema.extraInputs = std::move(extraInputs);
  schema.attributes = std::move(attributes);
  schema.infer = infer;
  schema.traits = opaqueTraits(std::move(refusal));
  if (validate != nullptr) schema.validate = validate;
  return OperatorRegistry::add(std::move(schema));
}

[[maybe_unused]] const bool kFillRegistered =
    addFillSchema("ConstantOfShape", "A tensor of the dims `shape` filled with one value.", {}, {"shape"},
                  {{"shape", Ints{}}, {"value", Tensor::full({1}, 0.0)}}, inferConstantOfShape, "which makes values of its own",
                  validateValue) &&
    addFillSchema("Range", "start, start + delta … as long as that is below limit (above, for a negative delta).",
                  {"start", "limit", "delta"}, {}, {}, inferRange, "which makes values of its own") &&
    addFillSchema("EyeLike", "Ones on the k-th diagonal, zeros elsewhere, with the dims of the data.", {"data"}, {},
                  {{"k", std::int64_t{0}}, {"dtype", std::string()}}, inferEyeLike, "which makes values of its own", validateType) &&
    addFillSchema("OneHot", "values[1] where the new axis's index is that of the data, else values[0].", {"indices", "depth", "values"}, {},
                  {{"axis", std::int64_t{-1}}}, inferOneHot, "which turns indices into a new axis") &&
    addFillSchema("Trilu", "The upper or lower triangle of the last two axes, zeros elsewhere.", {"data"}, {},
                  {{"upper", true}, {"k", std::int64_t{0}}}, inferTrilu, "which keeps a triangle of its last two axes");

}  // namespace

}  // namespace Aidge
