#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

std::vector<TensorInfo> inferMatMul(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireRankAtLeast(op, inputs, 0, 1);
  requireRankAtLeast(op, inputs, 1, 1);
  requireNumeric(op, inputs);
  requireSameType(op, inputs);
  const Dims& a = inputs[0].dims;
  const Dims& b = inputs[1].dims;
  const bool vectorA = a.size() == 1;
  const bool vectorB = b.size() == 1;
  if (a.back() != b[vectorB ? 0 : b.size() - 2]) {
    throwExpected(errorSite(op), "matrices whose inner dims agree", toString(a) + " and " + toString(b));
  }
  const auto leading = [](const Dims& dims) { return dims.size() < 2 ? Dims{} : Dims(dims.begin(), dims.end() - 2); };
  Dims dims = broadcastDims(errorSite(op), leading(a), leading(b));
  if (!vectorA) dims.push_back(a[a.size() - 2]);
  if (!vectorB) dims.push_back(b.back());
  return result(std::move(dims), inputs[0].dtype);
}

double macsOfMatMul(const Operator&, Inputs inputs, Inputs outputs) {
  return static_cast<double>(elementCount(outputs[0].dims)) * static_cast<double>(inputs[0].dims.back());
}

bool addMatMulSchema() {
  OperatorSchema schema;
  schema.type = "MatMul";
  schema.brief = "Matrix product by NumPy's rules: y[..., m, n] = sum over k of A[..., m, k] * B[..., k, n].";
  schema.inputs = {{"A", InputCategory::Data}, {"B", InputCategory::Data}};
  schema.infer = inferMatMul;
  schema.macs = macsOfMatMul;
  schema.traits = traitsOf(Role::MatrixProduct, BatchRule::PerSample, ChannelRule::MatMul);
  schema.traits.batch.holds = [](const Operator&, Inputs inputs) { return inputs[0].dims.size() >= 2 && inputs[1].dims.size() == 2; };
  return OperatorRegistry::add(std::move(schema));
}

[[maybe_unused]] const bool kMatMulRegistered = addMatMulSchema();

}  // namespace

}  // namespace Aidge
