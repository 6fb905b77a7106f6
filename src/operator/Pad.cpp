#include <algorithm>

#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

/// Counts that arithmetic on them can take; the modes that copy elements do not crop.
void checkPads(const Operator& op, const Ints& pads) {
  const std::int64_t low = op.attribute<std::string>("mode") == "constant" ? -kMaxWindowExtent : 0;
  if (pads.size() % 2 != 0) throwExpected(errorSite(op), "pads with an even number of entries", listText(pads));
  requireEntries(op, "pads", pads, pads.size(), low, kMaxWindowExtent);
}

void validatePad(const Operator& op) {
  static constexpr std::array<std::string_view, 4> kModes{"constant", "reflect", "edge", "wrap"};
  requireOneOf(op, "mode", kModes);
  checkPads(op, op.attribute<Ints>("pads"));
}

/// Modes that copy elements need some: "reflect" one more than it adds, the others one.
void checkSource(const Operator& op, const Dims& dims, std::size_t axis, DimSize_t most) {
  const auto& mode = op.attribute<std::string>("mode");
  if (mode == "constant" || most <= 0) return;
  const DimSize_t needed = mode == "reflect" ? most + 1 : 1;
  if (dims[axis] < needed) {
    throwExpected(errorSite(op), "an extent of at least " + std::to_string(needed) + " on axis " + std::to_string(axis) + " to " + mode,
                  toString(dims));
  }
}

std::vector<TensorInfo> inferPad(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  Dims dims = inputs[0].dims;
  const Ints given = listArgument(op, inputs, 1);
  checkPads(op, given);
  const AxisPads pads = resolvePads(op, given, dims.size());
  for (std::size_t axis = 0; axis < dims.size(); ++axis) {
    checkSource(op, inputs[0].dims, axis, std::max(pads.begin[axis], pads.end[axis]));
    // All summands are far below 2^62, so the sum cannot overflow. What is cropped at one end is not there for the other.
    dims[axis] += pads.begin[axis] + pads.end[axis];
    if (inputs[0].dims[axis] + std::min<DimSize_t>(pads.begin[axis], 0) + std::min<DimSize_t>(pads.end[axis], 0) < 0) {
      throwExpected(errorSite(op),
                    "pads that take away no more than there is on axis " + std::to_string(axis) + " of " + toString(inputs[0].dims),
                    std::to_string(pads.begin[axis]) + " and " + std::to_string(pads.end[axis]));
    }
  }
  return result(std::move(dims), inputs[0].dtype);
}

bool leavesBatch(const Operator& op, Inputs inputs) {
  const AxisPads pads = resolvePads(op, listArgument(op, inputs, 1), inputs[0].dims.size());
  return pads.begin[0] == 0 && pads.end[0] == 0;
}

bool addPadSchema() {
  OperatorSchema schema;
  schema.type = "Pad";
  schema.brief = "Adds elements before and after the axes: a constant value, the reflected data, its edge, or the data wrapped round.";
  schema.inputs = {{"data", InputCategory::Data, kAllTypes}};
  schema.extraInputs = {"pads"};
  schema.attributes = {{"pads", Ints{}}, {"mode", std::string("constant")}, {"value", 0.0}, {"axes", Ints{}}};
  schema.validate = validatePad;
  schema.infer = inferPad;
  schema.traits = traitsOf(Role::Padding, BatchRule::PerSample, ChannelRule::Pad);
  schema.traits.batch.holds = leavesBatch;
  return OperatorRegistry::add(std::move(schema));
}

[[maybe_unused]] const bool kPadRegistered = addPadSchema();

}  // namespace

}  // namespace Aidge
