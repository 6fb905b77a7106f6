#include <limits>

#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

/// Product of all dims but the first.
DimSize_t features(const Dims& dims) { return static_cast<DimSize_t>(elementCount(Dims(dims.begin() + 1, dims.end()))); }

std::vector<TensorInfo> inferFC(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireRankAtLeast(op, inputs, 0, 2);
  requireRank(op, inputs, 1, 2);
  requireFloat(op, inputs);
  requireSameType(op, inputs);
  const Dims& weight = inputs[1].dims;
  if (features(inputs[0].dims) != weight[1]) {
    throwExpected(errorSite(op), "data with " + std::to_string(weight[1]) + " values a sample, as the weight " + toString(weight) + " has",
                  toString(inputs[0].dims));
  }
  if (isPresent(inputs, 2)) requireDims(op, inputs, 2, {weight[0]});
  return result({inputs[0].dims[0], weight[0]}, inputs[0].dtype);
}

double macsFC(const Operator&, Inputs inputs, Inputs outputs) {
  return static_cast<double>(elementCount(outputs[0].dims)) * static_cast<double>(inputs[1].dims[1]);
}

std::vector<TensorInfo> inferGemm(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireRank(op, inputs, 0, 2);
  requireRank(op, inputs, 1, 2);
  requireNumeric(op, inputs);
  requireSameType(op, inputs);
  const bool transA = op.attribute<bool>("trans_a");
  const bool transB = op.attribute<bool>("trans_b");
  const Dims& a = inputs[0].dims;
  const Dims& b = inputs[1].dims;
  if (a[transA ? 0 : 1] != b[transB ? 1 : 0]) {
    throwExpected(errorSite(op), "matrices whose inner dims agree",
                  toString(a) + (transA ? " transposed" : "") + " and " + toString(b) + (transB ? " transposed" : ""));
  }
  Dims dims{a[transA ? 1 : 0], b[transB ? 0 : 1]};
  if (isPresent(inputs, 2) && !isBroadcastableTo(inputs[2].dims, dims)) {
    throwExpected(errorSite(op), "C that can be broadcast to " + toString(dims), toString(inputs[2].dims));
  }
  return result(std::move(dims), inputs[0].dtype);
}

double macsGemm(const Operator& op, Inputs inputs, Inputs outputs) {
  const std::size_t inner = op.attribute<bool>("trans_a") ? 0 : 1;
  return static_cast<double>(elementCount(outputs[0].dims)) * static_cast<double>(inputs[0].dims[inner]);
}

/// A's rows are the samples, and C repeats over them.
bool rowsAreSamples(const Operator& op, Inputs inputs) {
  return !op.attribute<bool>("trans_a") && (inputs.size() < 3 || inputs[2].dims.size() != 2 || inputs[2].dims[0] == 1);
}

bool addFC() {
  OperatorSchema schema;
  schema.type = "FC";
  schema.brief =
      "Fully connected layer: y[n, o] = bias[o] + sum over i of weight[o, i] * data[n, i], the data being flattened from axis 1.";
  schema.inputs = {{"data", InputCategory::Data}, {"weight", InputCategory::Param}, {"bias", InputCategory::OptionalParam}};
  schema.infer = inferFC;
  schema.macs = macsFC;
  schema.traits = traitsOf(Role::FullyConnected, BatchRule::PerSample, ChannelRule::FullyConnected);
  return OperatorRegistry::add(std::move(schema));
}

bool addGemm() {
  OperatorSchema schema;
  schema.type = "Gemm";
  schema.brief = "General matrix product: y = alpha * A' * B' + beta * C, where ' transposes if trans_a / trans_b say so.";
  schema.inputs = {{"A", InputCategory::Data}, {"B", InputCategory::Data}, {"C", InputCategory::OptionalData}};
  schema.attributes = {{"alpha", 1.0}, {"beta", 1.0}, {"trans_a", false}, {"trans_b", false}};
  schema.validate = [](const Operator& op) {
    requireFinite(op, "alpha", -std::numeric_limits<double>::infinity());
    requireFinite(op, "beta", -std::numeric_limits<double>::infinity());
  };
  schema.infer = inferGemm;
  schema.macs = macsGemm;
  schema.traits = traitsOf(Role::MatrixProduct, BatchRule::PerSample, ChannelRule::Gemm);
  schema.traits.batch.holds = rowsAreSamples;
  return OperatorRegistry::add(std::move(schema));
}

[[maybe_unused]] const bool kFullyConnectedRegistered = addFC() && addGemm();

}  // namespace

}  // namespace Aidge
