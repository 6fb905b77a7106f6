#include <array>
#include <span>

#include "Infer.hpp"

using namespace Aidge;
using namespace test;

namespace {

/// The traits that a schema does not state, by name.
std::vector<std::string> unstated(const OperatorTraits& traits) {
  std::vector<std::string> missing;
  if (traits.role == Role::Unstated) missing.push_back("role");
  if (traits.batch.rule == BatchRule::Unstated) missing.push_back("batch");
  if (traits.channels.rule == ChannelRule::Unstated) missing.push_back("channels");
  if (traits.affine == nullptr) missing.push_back("affine");
  if (traits.rectifier == nullptr) missing.push_back("rectifier");
  return missing;
}

const OperatorTraits& traitsOf(const std::string& type) { return OperatorRegistry::find(type)->traits; }

/// Types of this role.
std::vector<std::string> typesOf(Role role) {
  std::vector<std::string> types = OperatorRegistry::types();
  std::erase_if(types, [&](const std::string& type) { return traitsOf(type).role != role; });
  return types;
}

std::optional<ChannelAffine> affineOf(const Operator& op, IOIndex_t data, const std::vector<Tensor>& constants, const Dims& dims) {
  std::vector<const Tensor*> inputs;
  for (const Tensor& constant : constants) inputs.push_back(inputs.size() == data ? nullptr : &constant);
  return op.traits().affine(op, data, dims, inputs);
}

Tensor floats(const Dims& dims, const std::vector<float>& values) {
  return Tensor::fromValues<float>(dims, std::span<const float>(values));
}

}  // namespace

TEST_CASE("Every registered type states every trait", "[traits]") {
  const auto types = OperatorRegistry::types();
  CHECK(types.size() > 140);
  for (const std::string& type : types) {
    CAPTURE(type);
    CHECK(unstated(traitsOf(type)).empty());
  }
}

TEST_CASE("A schema that states nothing is found", "[traits]") {
  CHECK(unstated(OperatorSchema{}.traits) == std::vector<std::string>{"role", "batch", "channels", "affine", "rectifier"});
}

TEST_CASE("Who refuses channels says why, and nobody else", "[traits]") {
  for (const std::string& type : OperatorRegistry::types()) {
    CAPTURE(type);
    const ChannelTrait& channels = traitsOf(type).channels;
    const bool saysWhy = channels.refusal.starts_with("which ") || channels.refusal.starts_with("whose ");
    CHECK(saysWhy == (channels.rule == ChannelRule::Refused));
  }
}

TEST_CASE("The number of spatial axes is that of the type's name", "[traits]") {
  for (const std::string& type : OperatorRegistry::types()) {
    CAPTURE(type);
    const std::size_t spatial = traitsOf(type).spatial;
    const bool isNamed = type.ends_with("1D") || type.ends_with("2D") || type.ends_with("3D");
    CHECK(isNamed == (spatial > 0));
    if (isNamed) CHECK(type.ends_with(std::to_string(spatial) + "D"));
  }
  for (const Role role : {Role::Convolution, Role::TransposedConvolution, Role::BatchNorm}) CHECK(typesOf(role).size() == 3);
  CHECK(typesOf(Role::PowerPooling) == std::vector<std::string>{"GlobalLpPooling", "LpPooling1D", "LpPooling2D", "LpPooling3D"});
}

TEST_CASE("Every unary type keeps dims and type of its only input", "[traits]") {
  const auto types = typesOf(Role::Unary);
  CHECK(types.size() > 35);
  for (const std::string& type : types) {
    CAPTURE(type);
    const OperatorSchema& schema = *OperatorRegistry::find(type);
    CHECK((schema.inputs.size() == 1 && !schema.variadic && schema.outputs.size() == 1));
    const auto outputs = Operator(type).infer(infos({{2, 3, 4}}, DataType::Float64));
    CHECK((outputs[0].dims == Dims{2, 3, 4} && outputs[0].dtype == DataType::Float64));
    CHECK(traitsOf(type).channels.rule == ChannelRule::Pass);
  }
}

TEST_CASE("Only shape computation needs the dims of a query and what takes the place of an attribute", "[traits]") {
  CHECK(OperatorRegistry::find("Shape")->isShapeInput(0));
  CHECK(OperatorRegistry::find("Reshape")->isShapeInput(1));
  CHECK_FALSE(OperatorRegistry::find("Reshape")->isShapeInput(0));
  CHECK_FALSE(OperatorRegistry::find("Concat")->isShapeInput(7));
}

TEST_CASE("A generic operator has no role, whatever its type", "[traits]") {
  const auto op = Operator::generic("Identity", 1, 1);
  CHECK(op->role() == Role::Other);
  CHECK(unstated(op->traits()).empty());
  CHECK_FALSE(Operator::generic("Producer", 0, 1)->isProducer());
  CHECK(op->traits().channels.refusal == "whose channels cannot be followed");
}

TEST_CASE("A BatchNorm is the affine map of its formula", "[traits]") {
  const Operator op("BatchNorm2D", {{"epsilon", 0.25}});
  const std::vector<Tensor> inputs{Tensor(), floats({2}, {3.0F, 1.0F}), floats({2}, {5.0F, 7.0F}), floats({2}, {2.0F, 4.0F}),
                                   floats({2}, {0.75F, 3.75F})};
  const auto map = affineOf(op, 0, inputs, {1, 2, 4, 4});
  REQUIRE(map);
  CHECK(map->factor == std::vector{3.0, 0.5});
  CHECK(map->offset == std::vector{-1.0, 5.0});
  const std::vector<Tensor> broken{Tensor(), inputs[1], inputs[2], inputs[3], floats({2}, {-0.25F, 1.0F})};
  CHECK_FALSE(affineOf(op, 0, broken, {1, 2, 4, 4}));
  CHECK_FALSE(affineOf(op, 3, inputs, {1, 2, 4, 4}));
}

TEST_CASE("Arithmetic with one constant for each channel is an affine map, on either side", "[traits]") {
  const Tensor constant = floats({2, 1, 1}, {2.0F, -4.0F});
  const auto map = [&](const char* type, IOIndex_t data) { return affineOf(Operator(type), data, {constant, constant}, {5, 2, 3, 3}); };
  const std::vector<double> ones{1.0, 1.0};
  const std::vector<double> zeros{0.0, 0.0};
  const std::vector<double> values{2.0, -4.0};
  CHECK((map("Add", 0)->factor == ones && map("Add", 1)->offset == values));
  CHECK((map("Sub", 0)->factor == ones && map("Sub", 0)->offset == std::vector{-2.0, 4.0}));
  CHECK((map("Sub", 1)->factor == std::vector{-1.0, -1.0} && map("Sub", 1)->offset == values));
  CHECK((map("Mul", 1)->factor == values && map("Mul", 0)->offset == zeros));
  CHECK(map("Div", 0)->factor == std::vector{0.5, -0.25});
  CHECK_FALSE(map("Div", 1));
  CHECK_FALSE(map("Pow", 0));
  CHECK(Operator("Neg").traits().affine(Operator("Neg"), 0, {1, 2}, std::array<const Tensor*, 1>{nullptr})->factor ==
        std::vector{-1.0, -1.0});
}

TEST_CASE("A constant along other axes, of integers, or with a zero divisor is no affine map", "[traits]") {
  const Dims dims{5, 2, 3, 3};
  const auto map = [&](const char* type, const Tensor& constant) { return affineOf(Operator(type), 0, {constant, constant}, dims); };
  CHECK_FALSE(map("Mul", floats({3}, {1.0F, 2.0F, 3.0F})));
  CHECK_FALSE(map("Mul", floats({1, 1, 1, 1, 1}, {1.0F})));
  CHECK_FALSE(map("Mul", Tensor::fromValues<std::int64_t>({1}, {2})));
  CHECK_FALSE(map("Div", floats({2, 1, 1}, {1.0F, 0.0F})));
  CHECK(map("Mul", floats({}, {3.0F}))->factor == std::vector{3.0, 3.0});
}

TEST_CASE("A rectifier says up to where it passes values on", "[traits]") {
  const auto upper = [](const Operator& op) { return op.traits().rectifier(op); };
  CHECK(upper(Operator("Clip", {{"min", 0.0}, {"max", 6.0}})) == 6.0);
  CHECK_FALSE(upper(Operator("Clip", {{"min", -1.0}, {"max", 6.0}})));
  CHECK(upper(Operator("PReLU")) == std::numeric_limits<double>::infinity());
  CHECK_FALSE(upper(Operator("Tanh")));
}
