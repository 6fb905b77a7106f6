#pragma once
// How the tests ask an operator for shapes.

#include <string>
#include <utility>
#include <vector>

#include "aidge/operator/Operator.hpp"
#include "catch.hpp"

namespace test {

using Ints = std::vector<std::int64_t>;

/// Infos of float32 inputs with these dims.
inline std::vector<Aidge::TensorInfo> infos(const std::vector<Aidge::Dims>& dims, Aidge::DataType dtype = Aidge::DataType::Float32) {
  std::vector<Aidge::TensorInfo> result;
  for (const Aidge::Dims& entry : dims) result.push_back({entry, dtype, nullptr});
  return result;
}

/// The same for an operator: an optional input without dims is missing.
inline std::vector<Aidge::TensorInfo> infosFor(const Aidge::Operator& op, const std::vector<Aidge::Dims>& dims,
                                               Aidge::DataType dtype = Aidge::DataType::Float32) {
  std::vector<Aidge::TensorInfo> result = infos(dims, dtype);
  for (std::size_t i = 0; i < result.size() && i < op.nbInputs(); ++i) {
    const Aidge::InputCategory category = op.inputSpec(i).category;
    const bool isOptional = category == Aidge::InputCategory::OptionalData || category == Aidge::InputCategory::OptionalParam;
    result[i].missing = isOptional && dims[i].empty();
  }
  return result;
}

/// Dims of the only output.
inline Aidge::Dims inferred(const Aidge::Operator& op, const std::vector<Aidge::Dims>& inputs) {
  const auto outputs = op.infer(infosFor(op, inputs));
  REQUIRE(outputs.size() == 1);
  return outputs[0].dims;
}

inline Aidge::Dims inferred(const std::string& type, Aidge::AttributeMap attributes, const std::vector<Aidge::Dims>& inputs) {
  return inferred(Aidge::Operator(type, std::move(attributes), inputs.size()), inputs);
}

/// Infos of int64 constants.
inline Aidge::TensorInfo constant(const Ints& values) {
  const Aidge::Dims dims{static_cast<Aidge::DimSize_t>(values.size())};
  return {dims, Aidge::DataType::Int64, std::make_shared<const Aidge::Tensor>(Aidge::Tensor::fromValues<std::int64_t>(dims, values))};
}

inline double macsOf(const Aidge::Operator& op, const std::vector<Aidge::Dims>& inputs) {
  const auto given = infosFor(op, inputs);
  return op.macs(given, op.infer(given));
}

/// The message of the std::invalid_argument that `call` throws; another exception fails the test.
template <typename Call> std::string refusal(Call&& call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  FAIL("expected std::invalid_argument, got none");
  return "";
}

inline std::string refusal(const std::string& type, const Aidge::AttributeMap& attributes) {
  return refusal([&] { const Aidge::Operator op(type, attributes); });
}

inline std::string refusal(const std::string& type, const Aidge::AttributeMap& attributes, const std::vector<Aidge::Dims>& inputs) {
  return refusal([&] {
    const Aidge::Operator op(type, attributes, inputs.size());
    static_cast<void>(op.infer(infosFor(op, inputs)));
  });
}

}  // namespace test
