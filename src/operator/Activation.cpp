#include <cmath>
#include <limits>

#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<TensorInfo> inferFloat(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireFloat(op, inputs);
  return result(inputs[0].dims, inputs[0].dtype);
}

std::vector<TensorInfo> inferNumeric(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireNumeric(op, inputs);
  return result(inputs[0].dims, inputs[0].dtype);
}

void validateClip(const Operator& op) {
  for (const std::string_view name : {"min", "max"}) {
    if (std::isnan(op.attribute<double>(name))) throwExpected(errorSite(op), std::string(name) + " to be a number", "nan");
  }
}

void validateGeLU(const Operator& op) {
  static constexpr std::array<std::string_view, 2> kModes{"none", "tanh"};
  requireOneOf(op, "approximate", kModes);
}

OperatorSchema unary(std::string type, std::string formula, AttributeMap attributes = {}) {
  OperatorSchema schema;
  schema.type = std::move(type);
  schema.brief = std::move(formula);
  schema.inputs = {{"data", InputCategory::Data, kFloatTypes}};
  schema.traits = traitsOf(Role::Unary, BatchRule::PerSample, ChannelRule::Pass);
  schema.infer = inferFloat;
  schema.attributes = std::move(attributes);
  schema.validate = [](const Operator& op) {
    for (const auto& [name, value] : op.attributes()) {
      if (std::holds_alternative<double>(value)) requireFinite(op, name, -kInfinity);
    }
  };
  return schema;
}

/// A Clip to [0, max]. Below a lower bound other than 0 it says nothing of signs.
std::optional<double> clipRectifies(const Operator& op) {
  return op.attribute<double>("min") == 0.0 ? std::optional(op.attribute<double>("max")) : std::nullopt;
}

std::optional<ChannelAffine> negation(const Operator& /*op*/, IOIndex_t /*data*/, const Dims& dims,
                                      std::span<const Tensor* const> /*inputs*/) {
  if (dims.size() < 2) return std::nullopt;
  const auto channels = static_cast<std::size_t>(dims[1]);
  return ChannelAffine{std::vector<double>(channels, -1.0), std::vector<double>(channels, 0.0)};
}

OperatorSchema rectifier(std::string type, std::string formula, AttributeMap attributes = {}) {
  OperatorSchema schema = unary(std::move(type), std::move(formula), std::move(attributes));
  schema.traits.rectifier = passesPositive;
  return schema;
}

/// For integers too.
void makeNumeric(OperatorSchema& schema) {
  schema.inputs[0].types = kNumericTypes;
  schema.infer = inferNumeric;
}

bool addParametric() {
  OperatorSchema clip = unary("Clip", "Clipping: y = min(max(x, min), max).", {{"min", -kInfinity}, {"max", kInfinity}});
  clip.validate = validateClip;
  clip.traits.rectifier = clipRectifies;
  makeNumeric(clip);
  OperatorSchema gelu =
      rectifier("GeLU", "Gaussian error linear unit: y = x * Phi(x), with Phi the normal distribution or its tanh approximation.",
                {{"approximate", std::string("none")}});
  gelu.validate = validateGeLU;
  return OperatorRegistry::add(std::move(clip)) && OperatorRegistry::add(std::move(gelu));
}

bool addUnary() {
  OperatorSchema relu = rectifier("ReLU", "Rectifier: y = max(x, 0).");
  makeNumeric(relu);
  return OperatorRegistry::add(std::move(relu)) && OperatorRegistry::add(unary("Sigmoid", "Logistic function: y = 1 / (1 + exp(-x)).")) &&
         OperatorRegistry::add(unary("Tanh", "Hyperbolic tangent: y = tanh(x).")) &&
         OperatorRegistry::add(
             rectifier("LeakyReLU", "Leaky rectifier: y = x where x >= 0, else negative_slope * x.", {{"negative_slope", 0.01}})) &&
         OperatorRegistry::add(
             unary("HardSigmoid", "Piecewise linear sigmoid: y = min(max(alpha * x + beta, 0), 1).", {{"alpha", 0.2}, {"beta", 0.5}})) &&
         OperatorRegistry::add(rectifier("HardSwish", "Piecewise swish: y = x * min(max(x / 6 + 0.5, 0), 1)."));
}

struct FunctionEntry {
  std::string type;
  std::string formula;
  AttributeMap attributes = {};
};

bool addSmoothRectifiers() {
  for (auto& [type, formula, attributes] : std::vector<FunctionEntry>{
           {"Elu", "Exponential linear unit: y = x where x >= 0, else alpha * (exp(x) - 1).", {{"alpha", 1.0}}},
           {"Celu", "Continuously differentiable linear unit: y = max(x, 0) + min(0, alpha * (exp(x / alpha) - 1)).", {{"alpha", 1.0}}},
           {"Softplus", "Smooth rectifier: y = log(1 + exp(x))."},
           {"Mish", "y = x * tanh(log(1 + exp(x)))."},
           {"Swish", "y = x / (1 + exp(-alpha * x)).", {{"alpha", 1.0}}}}) {
    OperatorRegistry::add(rectifier(type, formula, std::move(attributes)));
  }
  return true;
}

bool addFunctions() {
  for (auto& [type, formula, attributes] : std::vector<FunctionEntry>{
           {"Selu",
            "Scaled exponential linear unit: y = gamma * x where x > 0, else gamma * alpha * (exp(x) - 1).",
            {{"alpha", 1.67326319217681884765625}, {"gamma", 1.05070102214813232421875}}},
           {"Softsign", "y = x / (1 + |x|)."},
           {"ThresholdedRelu", "Rectifier with a threshold: y = x where x > alpha, else 0.", {{"alpha", 1.0}}},
           {"Shrink", "y = x + bias where x < -lambd, x - bias where x > lambd, else 0.", {{"lambd", 0.5}, {"bias", 0.0}}},
           {"Exp", "y = exp(x)."},
           {"Log", "Natural logarithm: y = log(x)."},
           {"Sqrt", "Square root: y = sqrt(x)."},
           {"Reciprocal", "y = 1 / x."},
           {"Erf", "Gaussian error function: y = erf(x)."},
           {"Floor", "Largest whole number that is not greater."},
           {"Ceil", "Smallest whole number that is not less."},
           {"Round", "Nearest whole number, halves to the even one."},
           {"Sin", "y = sin(x)."},
           {"Cos", "y = cos(x)."},
           {"Tan", "y = tan(x)."},
           {"Asin", "y = asin(x)."},
           {"Acos", "y = acos(x)."},
           {"Atan", "y = atan(x)."},
           {"Sinh", "y = sinh(x)."},
           {"Cosh", "y = cosh(x)."},
           {"Asinh", "y = asinh(x)."},
           {"Acosh", "y = acosh(x)."},
           {"Atanh", "y = atanh(x)."}}) {
    OperatorRegistry::add(unary(type, formula, std::move(attributes)));
  }
  for (auto& [type, formula, attributes] : std::vector<FunctionEntry>{{"Abs", "Magnitude: y = |x|."}, {"Sign", "1, 0 or -1, as x is."}}) {
    OperatorSchema schema = unary(type, formula, std::move(attributes));
    makeNumeric(schema);
    OperatorRegistry::add(std::move(schema));
  }
  OperatorSchema neg = unary("Neg", "y = -x.");
  makeNumeric(neg);
  neg.traits.affine = negation;
  return OperatorRegistry::add(std::move(neg));
}

[[maybe_unused]] const bool kActivationRegistered = addUnary() && addParametric() && addSmoothRectifiers() && addFunctions();

}  // namespace

}  // namespace Aidge
