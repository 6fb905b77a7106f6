#include "SchemaUtils.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace Aidge::detail {
namespace {

void checkKnown(const Operator& op, Inputs inputs, std::size_t index) {
  const Dims& dims = inputs[index].dims;
  if (std::any_of(dims.begin(), dims.end(), [](DimSize_t d) { return d < 0; })) {
    throwExpected(errorSite(op), "dims that are all known and not negative", describeInput(op, inputs, index));
  }
  static_cast<void>(elementCount(dims));
}

[[noreturn]] void throwType(const Operator& op, Inputs inputs, std::size_t index, std::string_view expected) {
  throwExpected(errorSite(op), std::string(op.inputSpec(index).name) + " of " + std::string(expected), toString(inputs[index].dtype));
}

}  // namespace

void checkInputs(const Operator& op, Inputs inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) checkKnown(op, inputs, i);
}

bool isPresent(Inputs inputs, std::size_t index) { return !inputs[index].missing; }

std::string describeInput(const Operator& op, Inputs inputs, std::size_t index) {
  return op.inputSpec(index).name + " " + toString(inputs[index].dims);
}

void requireRank(const Operator& op, Inputs inputs, std::size_t index, std::size_t rank) {
  if (inputs[index].dims.size() != rank) {
    throwExpected(errorSite(op), op.inputSpec(index).name + " of rank " + std::to_string(rank), toString(inputs[index].dims));
  }
}

void requireRankAtLeast(const Operator& op, Inputs inputs, std::size_t index, std::size_t rank) {
  if (inputs[index].dims.size() < rank) {
    throwExpected(errorSite(op), op.inputSpec(index).name + " of rank " + std::to_string(rank) + " or more", toString(inputs[index].dims));
  }
}

void requireDims(const Operator& op, Inputs inputs, std::size_t index, const Dims& dims) {
  if (inputs[index].dims != dims)
    throwExpected(errorSite(op), op.inputSpec(index).name + " " + toString(dims), toString(inputs[index].dims));
}

bool isFloat(DataType type) {
  return type == DataType::Float32 || type == DataType::Float64 || type == DataType::Float16 || type == DataType::BFloat16;
}

void requireSameType(const Operator& op, Inputs inputs, std::size_t offset) {
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    const InputSpec& spec = op.inputSpec(i + offset);
    if (inputs[i].dtype == inputs[0].dtype || !isPresent(inputs, i)) continue;
    const std::string wanted = spec.name + " of the same type as " + op.inputSpec(offset).name;
    throwExpected(errorSite(op), wanted + " (" + std::string(toString(inputs[0].dtype)) + ")", toString(inputs[i].dtype));
  }
}

void requireTypes(const Operator& op, Inputs inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const InputSpec& spec = op.inputSpec(i);
    if (spec.types.contains(inputs[i].dtype) || !isPresent(inputs, i)) continue;
    std::string names;
    for (const DataType type : spec.types.types()) names.append(names.empty() ? "" : ", ").append(toString(type));
    throwType(op, inputs, i, "one of the types " + names);
  }
}

void requireFloat(const Operator& op, Inputs inputs) {
  if (!isFloat(inputs[0].dtype)) throwType(op, inputs, 0, "a floating point type");
}

void requireNumeric(const Operator& op, Inputs inputs) {
  if (inputs[0].dtype == DataType::Bool) throwType(op, inputs, 0, "a numeric type");
}

std::vector<TensorInfo> result(Dims dims, DataType dtype) {
  static_cast<void>(elementCount(dims));
  return {TensorInfo{std::move(dims), dtype, nullptr}};
}

void requireList(const Operator& op, std::string_view name, std::size_t size, std::int64_t low, std::int64_t high) {
  requireEntries(op, name, op.attribute<Ints>(name), size, low, high);
}

void requireEntries(const Operator& op, std::string_view name, const Ints& values, std::size_t size, std::int64_t low, std::int64_t high) {
  const auto inRange = [low, high](std::int64_t value) { return value >= low && value <= high; };
  if (values.size() == size && std::all_of(values.begin(), values.end(), inRange)) return;
  throwExpected(
      errorSite(op),
      std::string(name) + " with " + std::to_string(size) + " entries in [" + std::to_string(low) + ", " + std::to_string(high) + "]",
      listText(values));
}

void requireInt(const Operator& op, std::string_view name, std::int64_t low, std::int64_t high) {
  const std::int64_t value = op.attribute<std::int64_t>(name);
  if (value >= low && value <= high) return;
  throwExpected(errorSite(op), std::string(name) + " in [" + std::to_string(low) + ", " + std::to_string(high) + "]",
                std::to_string(value));
}

void requireFinite(const Operator& op, std::string_view name, double low) {
  const double value = op.attribute<double>(name);
  if (std::isfinite(value) && value >= low) return;
  const std::string bound = std::isfinite(low) ? " of at least " + std::to_string(low) : "";
  throwExpected(errorSite(op), "a finite " + std::string(name) + bound, std::to_string(value));
}

void requireOneOf(const Operator& op, std::string_view name, std::span<const std::string_view> choices) {
  const auto& value = op.attribute<std::string>(name);
  if (std::find(choices.begin(), choices.end(), value) != choices.end()) return;
  std::string known;
  for (const std::string_view choice : choices) known += (known.empty() ? "\"" : ", \"") + std::string(choice) + "\"";
  throwExpected(errorSite(op), std::string(name) + " to be one of " + known, "\"" + value + "\"");
}

void validateWindow(const Operator& op, std::size_t spatial, bool kernelOptional) {
  static constexpr std::array<std::string_view, 4> kModes{"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"};
  requireOneOf(op, "auto_pad", kModes);
  if (!kernelOptional || !op.attribute<Ints>("kernel_dims").empty()) requireList(op, "kernel_dims", spatial, 1, kMaxWindowExtent);
  requireList(op, "stride_dims", spatial, 1, kMaxWindowExtent);
  requireList(op, "dilation_dims", spatial, 1, kMaxWindowExtent);
  requireList(op, "padding_dims", 2 * spatial, 0, kMaxWindowExtent);
}

AttributeMap windowAttributes(std::size_t spatial) {
  return {{"kernel_dims", Ints{}},
          {"stride_dims", Ints(spatial, 1)},
          {"dilation_dims", Ints(spatial, 1)},
          {"padding_dims", Ints(2 * spatial, 0)},
          {"auto_pad", std::string("NOTSET")}};
}

Dims commonDims(const Operator& op, Inputs inputs, std::size_t first) {
  Dims dims = inputs[first].dims;
  for (std::size_t i = first + 1; i < inputs.size(); ++i) dims = broadcastDims(errorSite(op), dims, inputs[i].dims);
  return dims;
}

std::vector<TensorInfo> inferBroadcast(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireTypes(op, inputs);
  requireSameType(op, inputs);
  return result(commonDims(op, inputs, 0), inputs[0].dtype);
}

std::vector<TensorInfo> inferTruth(const Operator& op, Inputs inputs) { return result(inferBroadcast(op, inputs)[0].dims, DataType::Bool); }

OperatorSchema broadcasting(std::string type, std::string formula, TypeSet types, AttributeMap attributes) {
  OperatorSchema schema;
  schema.type = std::move(type);
  schema.brief = std::move(formula);
  schema.inputs = {{"A", InputCategory::Data, types}, {"B", InputCategory::Data, types}};
  schema.traits = traitsOf(Role::Elementwise, BatchRule::Joint, ChannelRule::Broadcast);
  schema.attributes = std::move(attributes);
  schema.infer = inferBroadcast;
  return schema;
}

OperatorTraits traitsOf(Role role, BatchRule batch, ChannelRule channels, std::size_t spatial) {
  return {.role = role, .spatial = spatial, .batch = {batch}, .channels = {channels}, .affine = notAffine, .rectifier = notRectifier};
}

std::optional<double> passesPositive(const Operator& /*op*/) { return std::numeric_limits<double>::infinity(); }

OperatorTraits opaqueTraits(std::string refusal) {
  OperatorTraits traits = traitsOf(Role::Other, BatchRule::Whole, ChannelRule::Refused);
  traits.channels.refusal = std::move(refusal);
  return traits;
}

OperatorTraits alongAxisTraits(Role role) {
  OperatorTraits traits = traitsOf(role, BatchRule::PerSample, ChannelRule::AlongAxis);
  traits.batch.holds = sparesBatch;
  return traits;
}

bool sparesBatch(const Operator& op, Inputs inputs) {
  return normaliseAxis(errorSite(op), op.attribute<std::int64_t>("axis"), inputs[0].dims.size()) != 0;
}

std::optional<ChannelAffine> finite(ChannelAffine affine) {
  const auto areFinite = [](const std::vector<double>& values) {
    return std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
  };
  return areFinite(affine.factor) && areFinite(affine.offset) ? std::optional(std::move(affine)) : std::nullopt;
}

std::vector<TensorInfo> inferAlongAxis(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireTypes(op, inputs);
  static_cast<void>(normaliseAxis(errorSite(op), op.attribute<std::int64_t>("axis"), inputs[0].dims.size()));
  return result(inputs[0].dims, inputs[0].dtype);
}

std::string typeName(std::string_view family, std::size_t spatial) { return std::string(family) + std::to_string(spatial) + "D"; }

}  // namespace Aidge::detail
