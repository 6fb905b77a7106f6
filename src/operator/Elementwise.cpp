#include <algorithm>
#include <functional>

#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

std::vector<TensorInfo> inferPReLU(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireNumeric(op, inputs);
  requireSameType(op, inputs);
  if (!isBroadcastableTo(inputs[1].dims, inputs[0].dims)) {
    throwExpected(errorSite(op), "a slope that can be broadcast to data " + toString(inputs[0].dims), toString(inputs[1].dims));
  }
  return result(inputs[0].dims, inputs[0].dtype);
}

/// One value for each channel, where a floating-point constant has a single entry, or entries only along axis 1 of data of `dims`.
std::optional<std::vector<double>> channelValues(const Tensor* constant, const Dims& dims) {
  if (constant == nullptr || !constant->hasData() || !kFloatTypes.contains(constant->dataType())) return std::nullopt;
  Dims own = constant->dims();
  if (dims.size() < 2 || own.size() > dims.size()) return std::nullopt;
  own.insert(own.begin(), dims.size() - own.size(), 1);
  const DimSize_t channels = own[1];
  own[1] = 1;
  if (std::any_of(own.begin(), own.end(), [](DimSize_t extent) { return extent != 1; })) return std::nullopt;
  std::vector<double> values = constant->toDoubles();
  if (channels == 1) values.resize(static_cast<std::size_t>(dims[1]), values[0]);
  return channels == 1 || channels == dims[1] ? std::optional(std::move(values)) : std::nullopt;
}

/// x + c, x - c, c - x, x · c, x / c with one c for each channel.
template <Role role>
std::optional<ChannelAffine> arithmetic(const Operator& /*op*/, IOIndex_t data, const Dims& dims, std::span<const Tensor* const> inputs) {
  auto values = channelValues(inputs[1 - data], dims);
  if (!values || (role == Role::Quotient && data == 1)) return std::nullopt;
  const std::size_t channels = values->size();
  if constexpr (role == Role::Sum || role == Role::Difference) {
    const bool isSubtracted = role == Role::Difference && data == 0;
    if (isSubtracted) std::transform(values->begin(), values->end(), values->begin(), std::negate<>());
    const double factor = role == Role::Difference && data == 1 ? -1.0 : 1.0;
    return finite({std::vector<double>(channels, factor), std::move(*values)});
  } else {
    if (role == Role::Quotient) std::transform(values->begin(), values->end(), values->begin(), [](double v) { return 1.0 / v; });
    return finite({std::move(*values), std::vector<double>(channels, 0.0)});
  }
}

template <Role role> bool addLinear(std::string type, std::string formula) {
  OperatorSchema schema = broadcasting(std::move(type), std::move(formula), kNumericTypes);
  schema.traits.role = role;
  schema.traits.affine = arithmetic<role>;
  return OperatorRegistry::add(std::move(schema));
}

bool addArithmetic() {
  addLinear<Role::Sum>("Add", "Sum with broadcasting: y = A + B.");
  addLinear<Role::Difference>("Sub", "Difference with broadcasting: y = A - B.");
  addLinear<Role::Product>("Mul", "Product with broadcasting: y = A * B.");
  addLinear<Role::Quotient>("Div", "Quotient with broadcasting: y = A / B; integers are truncated towards zero.");
  OperatorRegistry::add(broadcasting("Mod", "Remainder with broadcasting, with the sign of B, or with that of A where fmod is set.",
                                     kNumericTypes, {{"fmod", false}}));
  return true;
}

bool addBits() {
  static constexpr std::array<std::string_view, 2> kDirections{"LEFT", "RIGHT"};
  OperatorSchema shift = broadcasting("BitShift", "A shifted by B bits to the LEFT or RIGHT (`direction`), with broadcasting.",
                                      kUnsignedTypes, {{"direction", std::string("LEFT")}});
  shift.validate = [](const Operator& op) { requireOneOf(op, "direction", kDirections); };
  OperatorRegistry::add(std::move(shift));
  for (const auto& [type, formula] : {std::pair{"BitwiseAnd", "A & B"}, {"BitwiseOr", "A | B"}, {"BitwiseXor", "A ^ B"}}) {
    OperatorRegistry::add(broadcasting(type, std::string("Bit by bit, with broadcasting: y = ") + formula + ".", kIntegerTypes));
  }
  return true;
}

bool addTruth() {
  struct Entry {
    const char* type;
    const char* formula;
    TypeSet types;
  };
  for (const auto& [type, formula, types] :
       {Entry{"Equal", "A == B", kAllTypes}, Entry{"Less", "A < B", kNumericTypes}, Entry{"LessOrEqual", "A <= B", kNumericTypes},
        Entry{"Greater", "A > B", kNumericTypes}, Entry{"GreaterOrEqual", "A >= B", kNumericTypes}, Entry{"And", "A and B", kBoolType},
        Entry{"Or", "A or B", kBoolType}, Entry{"Xor", "A != B", kBoolType}}) {
    OperatorSchema schema = broadcasting(type, std::string("Truth values, with broadcasting: y = ") + formula + ".", types);
    schema.infer = inferTruth;
    OperatorRegistry::add(std::move(schema));
  }
  return true;
}

bool addVariadic() {
  struct Entry {
    const char* type;
    const char* formula;
    TypeSet types;
  };
  for (const auto& [type, formula, types] :
       {Entry{"Min", "Least of any number of inputs, with broadcasting; NaN wins.", kNumericTypes},
        Entry{"Max", "Greatest of any number of inputs, with broadcasting; NaN wins.", kNumericTypes},
        Entry{"Mean", "Mean of any number of inputs, with broadcasting: y = (sum of the inputs) / their number.", kFloatTypes}}) {
    OperatorSchema schema = broadcasting(type, formula, types);
    schema.inputs = {{"data", InputCategory::Data, types}};
    schema.variadic = true;
    OperatorRegistry::add(std::move(schema));
  }
  return true;
}

bool addPReLU() {
  OperatorSchema prelu = broadcasting("PReLU", "Leaky rectifier with learned slopes: y = x where x >= 0, else slope * x.", kNumericTypes);
  prelu.inputs = {{"data", InputCategory::Data, kNumericTypes}, {"slope", InputCategory::Param, kNumericTypes}};
  prelu.traits.role = Role::ParametricRectifier;
  prelu.traits.rectifier = passesPositive;
  prelu.infer = inferPReLU;
  return OperatorRegistry::add(std::move(prelu));
}

[[maybe_unused]] const bool kElementwiseRegistered = addArithmetic() && addBits() && addTruth() && addVariadic() && addPReLU();

}  // namespace

}  // namespace Aidge
