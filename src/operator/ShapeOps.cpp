#include <algorithm>
#include <limits>
#include <memory>

#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

std::vector<TensorInfo> inferFlatten(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  const Dims& dims = inputs[0].dims;
  const auto rank = static_cast<std::int64_t>(dims.size());
  const std::int64_t axis = op.attribute<std::int64_t>("axis");
  if (axis < -rank || axis > rank) {
    throwExpected(errorSite(op), "an axis in [" + std::to_string(-rank) + ", " + std::to_string(rank) + "]", std::to_string(axis));
  }
  const auto middle = dims.begin() + (axis < 0 ? axis + rank : axis);
  return result(
      {static_cast<DimSize_t>(elementCount(Dims(dims.begin(), middle))), static_cast<DimSize_t>(elementCount(Dims(middle, dims.end())))},
      inputs[0].dtype);
}

void validateReshape(const Operator& op) {
  const Ints& shape = op.attribute<Ints>("shape");
  const bool bad = std::any_of(shape.begin(), shape.end(), [](std::int64_t extent) { return extent < -1; });
  if (bad || std::count(shape.begin(), shape.end(), -1) > 1) {
    throwExpected(errorSite(op), "a shape of extents that are not negative, with at most one -1", listText(shape));
  }
  const auto has = [&shape](std::int64_t extent) { return std::find(shape.begin(), shape.end(), extent) != shape.end(); };
  if (op.attribute<bool>("allowzero") && has(0) && has(-1)) {
    throwExpected(errorSite(op), "a shape without both 0 and -1 where allowzero is set", listText(shape));
  }
}

std::vector<TensorInfo> inferReshape(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  return result(resolveReshape(op, listArgument(op, inputs, 1), inputs[0].dims), inputs[0].dtype);
}

std::vector<TensorInfo> inferTranspose(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  Dims dims;
  for (const DimIdx_t axis : resolvePermutation(op, inputs[0].dims.size())) dims.push_back(inputs[0].dims[axis]);
  return result(std::move(dims), inputs[0].dtype);
}

std::vector<TensorInfo> inferSqueeze(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  const Dims& dims = inputs[0].dims;
  const Ints& axes = op.attribute<Ints>("axes");
  std::vector<bool> drop(dims.size(), false);
  for (const DimIdx_t axis : normaliseAxes(errorSite(op), axes, dims.size())) {
    if (dims[axis] != 1) throwExpected(errorSite(op), "extent 1 on axis " + std::to_string(axis), toString(dims));
    drop[axis] = true;
  }
  Dims squeezed;
  for (std::size_t axis = 0; axis < dims.size(); ++axis) {
    if (axes.empty() ? dims[axis] != 1 : !drop[axis]) squeezed.push_back(dims[axis]);
  }
  return result(std::move(squeezed), inputs[0].dtype);
}

std::vector<TensorInfo> inferUnsqueeze(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  const Ints& axes = op.attribute<Ints>("axes");
  std::vector<bool> fresh(inputs[0].dims.size() + axes.size(), false);
  for (const DimIdx_t axis : normaliseAxes(errorSite(op), axes, fresh.size())) fresh[axis] = true;
  auto next = inputs[0].dims.begin();
  Dims dims;
  for (const bool isFresh : fresh) dims.push_back(isFresh ? 1 : *next++);
  return result(std::move(dims), inputs[0].dtype);
}

/// Values that follow from dims, as a tensor that is known before run time.
std::vector<TensorInfo> known(Dims dims, const Ints& values) {
  auto infos = result(std::move(dims), DataType::Int64);
  infos[0].value = std::make_shared<const Tensor>(Tensor::fromValues<std::int64_t>(infos[0].dims, values));
  return infos;
}

/// [start, end) of the axes, clamped.
std::pair<std::int64_t, std::int64_t> shapeRange(const Operator& op, std::int64_t rank) {
  const auto place = [rank](std::int64_t axis) { return std::clamp<std::int64_t>(axis < 0 ? axis + rank : axis, 0, rank); };
  const std::int64_t start = place(op.attribute<std::int64_t>("start"));
  return {start, std::max(start, place(op.attribute<std::int64_t>("end")))};
}

std::vector<TensorInfo> inferShape(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  const Dims& dims = inputs[0].dims;
  const auto [start, end] = shapeRange(op, static_cast<std::int64_t>(dims.size()));
  return known({end - start}, Dims(dims.begin() + start, dims.begin() + end));
}

std::vector<TensorInfo> inferSize(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  return known({}, {static_cast<std::int64_t>(elementCount(inputs[0].dims))});
}

bool addShapeOpsSchema(std::string type, std::string brief, AttributeMap attributes, InferFunction infer, OperatorTraits traits,
                       void (*validate)(const Operator&) = nullptr, std::vector<std::string> extraInputs = {}) {
  OperatorSchema schema;
  schema.type = std::move(type);
  schema.brief = std::move(brief);
  schema.inputs = {{"data", InputCategory::Data, kAllTypes}};
  schema.attributes = std::move(attributes);
  schema.extraInputs = std::move(extraInputs);
  schema.infer = infer;
  schema.traits = std::move(traits);
  if (validate != nullptr) schema.validate = validate;
  return OperatorRegistry::add(std::move(schema));
}

OperatorTraits reshaping(ChannelRule rule) { return traitsOf(Role::Reshaping, BatchRule::Whole, rule); }

OperatorTraits dimsQuery() {
  OperatorTraits traits = opaqueTraits("which counts the channels");
  traits.role = Role::DimsQuery;
  return traits;
}

OperatorTraits transposition() {
  OperatorTraits traits = traitsOf(Role::Transposition, BatchRule::PerSample, ChannelRule::Transpose);
  traits.batch.holds = [](const Operator& op, Inputs inputs) { return resolvePermutation(op, inputs[0].dims.size())[0] == 0; };
  return traits;
}

[[maybe_unused]] const bool kShapeOpsRegistered =
    addShapeOpsSchema("Flatten", "The values as a matrix: (product of the dims before axis, product of the others).",
                      {{"axis", std::int64_t{1}}}, inferFlatten, reshaping(ChannelRule::Regroup)) &&
    addShapeOpsSchema(
        "Reshape", "The values in their order under the dims `shape`: 0 copies the input's dim (unless allowzero), one -1 is inferred.",
        {{"shape", Ints{}}, {"allowzero", false}}, inferReshape, reshaping(ChannelRule::Reshape), validateReshape, {"shape"}) &&
    addShapeOpsSchema("Shape", "The dims of the data from axis start to axis end (not included), known before run time.",
                      {{"start", std::int64_t{0}}, {"end", std::numeric_limits<std::int64_t>::max()}}, inferShape, dimsQuery()) &&
    addShapeOpsSchema("Size", "The number of elements of the data, known before run time.", {}, inferSize, dimsQuery()) &&
    addShapeOpsSchema("Transpose", "Reorders the axes: axis i of y is axis output_dims_order[i] of data; empty reverses them.",
                      {{"output_dims_order", Ints{}}}, inferTranspose, transposition()) &&
    addShapeOpsSchema("Squeeze", "Takes out axes of extent 1: the given ones, or all if none are given.", {{"axes", Ints{}}}, inferSqueeze,
                      reshaping(ChannelRule::Squeeze)) &&
    addShapeOpsSchema("Unsqueeze", "Puts in axes of extent 1 at the given places of the output.", {{"axes", Ints{}}}, inferUnsqueeze,
                      reshaping(ChannelRule::Regroup));

}  // namespace

}  // namespace Aidge
