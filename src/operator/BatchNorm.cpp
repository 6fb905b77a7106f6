#include <cmath>
#include <limits>

#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

void validateBatchNorm(const Operator& op) {
  requireFinite(op, "epsilon", 0.0);
  requireFinite(op, "momentum", -std::numeric_limits<double>::infinity());
  if (op.attribute<bool>("training_mode")) throwExpected(errorSite(op), "training_mode false (statistics are fixed)", "true");
}

std::vector<TensorInfo> inferBatchNorm(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireFloat(op, inputs);
  requireRankAtLeast(op, inputs, 0, 2);
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    requireDims(op, inputs, i, {inputs[0].dims[1]});
    if (!isFloat(inputs[i].dtype))
      throwExpected(errorSite(op), op.inputSpec(i).name + " of a floating point type", toString(inputs[i].dtype));
  }
  return result(inputs[0].dims, inputs[0].dtype);
}

/// factor = scale / sqrt(variance + epsilon), offset = shift - mean · factor.
std::optional<ChannelAffine> affine(const Operator& op, IOIndex_t data, const Dims& /*dims*/, std::span<const Tensor* const> inputs) {
  std::vector<std::vector<double>> parameters;
  for (const Tensor* constant : inputs.subspan(1)) {
    if (constant == nullptr || !kFloatTypes.contains(constant->dataType())) return std::nullopt;
    parameters.push_back(constant->toDoubles());
    if (parameters.back().size() != parameters.front().size()) return std::nullopt;
  }
  if (data != 0 || parameters.empty()) return std::nullopt;
  const double epsilon = op.attribute<double>("epsilon");
  ChannelAffine result;
  for (std::size_t c = 0; c < parameters[0].size(); ++c) {
    result.factor.push_back(parameters[0][c] / std::sqrt(parameters[3][c] + epsilon));
    result.offset.push_back(parameters[1][c] - parameters[2][c] * result.factor[c]);
  }
  return finite(std::move(result));
}

bool addBatchNormSchema(std::size_t spatial) {
  OperatorSchema schema;
  schema.type = typeName("BatchNorm", spatial);
  schema.brief =
      "Batch normalisation with fixed statistics: y = scale * (x - mean) / sqrt(variance + epsilon) + shift, a channel at a time.";
  schema.inputs = {{"data", InputCategory::Data},
                   {"scale", InputCategory::Param},
                   {"shift", InputCategory::Param},
                   {"mean", InputCategory::Param},
                   {"variance", InputCategory::Param}};
  schema.attributes = {{"epsilon", 1e-5}, {"momentum", 0.1}, {"training_mode", false}};
  schema.validate = validateBatchNorm;
  schema.infer = inferBatchNorm;
  schema.traits = traitsOf(Role::BatchNorm, BatchRule::PerSample, ChannelRule::PerChannel, spatial);
  schema.traits.affine = affine;
  return OperatorRegistry::add(std::move(schema));
}

[[maybe_unused]] const bool kBatchNormRegistered = addBatchNormSchema(1) && addBatchNormSchema(2) && addBatchNormSchema(3);

}  // namespace

}  // namespace Aidge
