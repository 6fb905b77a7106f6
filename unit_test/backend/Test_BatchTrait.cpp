#include <cmath>
#include <cstring>
#include <random>

#include "RunKernel.hpp"
#include "catch.hpp"

using namespace Aidge;
using namespace Aidge::test;

namespace {

using Ints = std::vector<std::int64_t>;

constexpr DimSize_t kSamples = 3;
constexpr DimSize_t kChannels = 4;
constexpr DimSize_t kExtent = 6;
constexpr double kTolerance = 1e-5;

/// Attributes with which the rule holds, out of those that the type has.
AttributeMap attributesFor(const OperatorSchema& schema) {
  const AttributeMap wanted{{"kernel_dims", Ints(schema.traits.spatial, 2)},
                            {"axis", std::int64_t{1}},
                            {"blocksize", std::int64_t{2}},
                            {"pads", Ints{0, 0, 1, 2, 0, 0, 0, 1}},
                            {"starts", Ints{1}},
                            {"ends", Ints{3}},
                            {"scales", std::vector<double>{1.0, 1.0, 2.0, 2.0}},
                            {"output_dims_order", Ints{0, 2, 3, 1}}};
  AttributeMap result;
  for (const auto& [name, value] : wanted) {
    if (schema.attributes.contains(name)) result.emplace(name, value);
  }
  if (schema.attributes.contains("starts")) result["axes"] = Ints{1};
  return result;
}

Dims dataDims(const OperatorSchema& schema) {
  if (schema.attributes.contains("trans_a")) return {kSamples, kChannels};
  Dims dims{kSamples, kChannels};
  dims.resize(2 + (schema.traits.spatial > 0 ? schema.traits.spatial : 2), kExtent);
  return dims;
}

/// Dims of constant input `index` behind data of `data`.
Dims constantDims(const OperatorSchema& schema, std::size_t index, const Dims& data) {
  constexpr DimSize_t kOutputs = 8;
  Dims kernel(schema.traits.spatial, 2);
  switch (schema.traits.role) {
    case Role::Convolution:
      kernel.insert(kernel.begin(), {kOutputs, kChannels});
      return index == 1 ? kernel : Dims{kOutputs};
    case Role::TransposedConvolution:
      kernel.insert(kernel.begin(), {kChannels, kOutputs});
      return index == 1 ? kernel : Dims{kOutputs};
    case Role::FullyConnected:
      return index == 1 ? Dims{kOutputs, kChannels * kExtent * kExtent} : Dims{kOutputs};
    case Role::MatrixProduct:
      return index == 1 ? Dims{data.back(), kOutputs} : Dims{kOutputs};
    default:
      return {kChannels};
  }
}

Tensor valuesOf(const Dims& dims, TypeSet types, unsigned seed) {
  std::mt19937 random(seed);
  const bool isReal = types.contains(DataType::Float32);
  std::vector<double> values(elementCount(dims));
  for (double& value : values) value = isReal ? std::uniform_real_distribution(0.2, 1.2)(random) : static_cast<double>(random() % 2 + 1);
  const DataType dtype = isReal ? DataType::Float32 : types.contains(DataType::Bool) ? DataType::Bool : DataType::UInt8;
  if (dtype == DataType::Bool) std::transform(values.begin(), values.end(), values.begin(), [](double v) { return v - 1.0; });
  return Tensor::fromValues<double>(dims, std::span<const double>(values)).cast(dtype);
}

Tensor sampleOf(const Tensor& batch, DimSize_t sample) {
  Dims dims = batch.dims();
  dims[0] = 1;
  Tensor part(dims, batch.dataType());
  part.allocate();
  const std::size_t bytes = part.size() * sizeOf(batch.dataType());
  std::memcpy(part.rawMutableData(), static_cast<const std::byte*>(batch.rawData()) + static_cast<std::size_t>(sample) * bytes, bytes);
  return part;
}

bool areClose(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) {
    return (std::isnan(x) && std::isnan(y)) || x == y || std::abs(x - y) <= kTolerance * std::max(1.0, std::abs(x));
  });
}

void checkSamples(const OperatorSchema& schema) {
  const bool isJoint = schema.traits.batch.rule == BatchRule::Joint;
  const Operator op(schema.type, attributesFor(schema), schema.variadic ? 2 : 0);
  const Dims data = dataDims(schema);
  std::vector<Tensor> inputs;
  std::vector<TensorInfo> infos;
  for (IOIndex_t i = 0; i < op.nbInputs(); ++i) {
    const bool isBatched = i == 0 || isJoint;
    inputs.push_back(valuesOf(isBatched ? data : constantDims(schema, i, data), op.inputSpec(i).types, static_cast<unsigned>(i)));
    infos.push_back({inputs[i].dims(), inputs[i].dataType(), std::make_shared<const Tensor>(inputs[i])});
  }
  if (schema.traits.batch.holds != nullptr) CHECK(schema.traits.batch.holds(op, infos));
  const Tensor whole = runKernel(op, inputs);
  REQUIRE(whole.dims()[0] == kSamples);
  for (DimSize_t sample = 0; sample < kSamples; ++sample) {
    std::vector<Tensor> parts = inputs;
    for (IOIndex_t i = 0; i < (isJoint ? inputs.size() : 1); ++i) parts[i] = sampleOf(inputs[i], sample);
    CHECK(areClose(sampleOf(whole, sample).toDoubles(), runKernel(op, parts).toDoubles()));
  }
}

}  // namespace

TEST_CASE("Every type whose batch can be cut gives each sample what it gives it alone", "[traits]") {
  std::size_t checked = 0;
  for (const std::string& type : OperatorRegistry::types()) {
    const OperatorSchema& schema = *OperatorRegistry::find(type);
    if (schema.traits.batch.rule == BatchRule::Whole || KernelRegistry::find("cpu", type) == nullptr) continue;
    CAPTURE(type);
    checkSamples(schema);
    ++checked;
  }
  CHECK(checked > 100);
}
