#include <algorithm>

#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

/// A window that lies wholly in the padding has no maximum and no mean.
void checkPadding(const Operator& op, const SpatialWindow& window) {
  for (std::size_t axis = 0; axis < window.kernel.size(); ++axis) {
    if (std::max(window.padBegin[axis], window.padEnd[axis]) < window.extent(axis)) continue;
    throwExpected(
        errorSite(op),
        "padding smaller than the window's extent " + std::to_string(window.extent(axis)) + " on axis " + std::to_string(axis + 2),
        std::to_string(window.padBegin[axis]) + " and " + std::to_string(window.padEnd[axis]));
  }
}

std::vector<TensorInfo> inferPooling(const Operator& op, Inputs inputs, bool floatOnly) {
  checkInputs(op, inputs);
  floatOnly ? requireFloat(op, inputs) : requireNumeric(op, inputs);
  const SpatialWindow window = resolveWindow(op, inputs[0].dims);
  checkPadding(op, window);
  Dims dims{inputs[0].dims[0], inputs[0].dims[1]};
  dims.insert(dims.end(), window.output.begin(), window.output.end());
  return result(std::move(dims), inputs[0].dtype);
}

std::vector<TensorInfo> inferGlobal(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireFloat(op, inputs);
  requireRankAtLeast(op, inputs, 0, 3);
  Dims dims = inputs[0].dims;
  if (std::find(dims.begin() + 2, dims.end(), 0) != dims.end())
    throwExpected(errorSite(op), "data with spatial extents of at least 1", toString(dims));
  std::fill(dims.begin() + 2, dims.end(), 1);
  return result(std::move(dims), inputs[0].dtype);
}

/// The maximum's place in the row-major data comes second.
std::vector<TensorInfo> inferIndexed(const Operator& op, Inputs inputs) {
  std::vector<TensorInfo> infos = inferPooling(op, inputs, false);
  infos.push_back({infos[0].dims, DataType::Int64, nullptr});
  return infos;
}

void requirePower(const Operator& op) { requireInt(op, "p", 1, kMaxWindowExtent); }

bool addIndexed(std::size_t spatial) {
  OperatorSchema schema;
  schema.type = typeName("MaxPoolingIndices", spatial);
  schema.brief = "Maximum over windows, and the place of each maximum in the data.";
  schema.inputs = {{"data", InputCategory::Data}};
  schema.outputs = {"output", "indices"};
  schema.attributes = windowAttributes(spatial);
  schema.attributes.emplace("ceil_mode", false);
  schema.attributes.emplace("column_major", false);
  schema.validate = [spatial](const Operator& op) { validateWindow(op, spatial, false); };
  schema.infer = inferIndexed;
  schema.traits = opaqueTraits("whose indices count over the channels");
  schema.traits.role = Role::MaxPooling;
  schema.traits.spatial = spatial;
  return OperatorRegistry::add(std::move(schema));
}

bool addPower(std::size_t spatial) {
  OperatorSchema schema;
  schema.type = typeName("LpPooling", spatial);
  schema.brief = "p-norm of windows: y[n, c, i] = (sum over k of |data[n, c, i * stride + k * dilation - padding]|^p)^(1 / p).";
  schema.inputs = {{"data", InputCategory::Data}};
  schema.attributes = windowAttributes(spatial);
  schema.attributes.emplace("ceil_mode", false);
  schema.attributes.emplace("p", std::int64_t{2});
  schema.validate = [spatial](const Operator& op) {
    validateWindow(op, spatial, false);
    requirePower(op);
  };
  schema.infer = [](const Operator& op, Inputs inputs) { return inferPooling(op, inputs, true); };
  schema.traits = traitsOf(Role::PowerPooling, BatchRule::PerSample, ChannelRule::WithinChannel, spatial);
  return OperatorRegistry::add(std::move(schema));
}

bool addPoolingSchema(bool average, std::size_t spatial) {
  OperatorSchema schema;
  schema.type = typeName(average ? "AvgPooling" : "MaxPooling", spatial);
  schema.brief = average ? "Mean over windows: y[n, c, p] = mean over k of data[n, c, p * stride + k * dilation - padding]."
                         : "Maximum over windows: y[n, c, p] = max over k of data[n, c, p * stride + k * dilation - padding].";
  schema.inputs = {{"data", InputCategory::Data}};
  schema.attributes = windowAttributes(spatial);
  schema.attributes.emplace("ceil_mode", false);
  if (average) schema.attributes.emplace("count_include_pad", false);
  schema.validate = [spatial](const Operator& op) { validateWindow(op, spatial, false); };
  schema.infer = [average](const Operator& op, Inputs inputs) { return inferPooling(op, inputs, average); };
  const Role role = average ? Role::AveragePooling : Role::MaxPooling;
  schema.traits = traitsOf(role, BatchRule::PerSample, ChannelRule::WithinChannel, spatial);
  return OperatorRegistry::add(std::move(schema));
}

bool addGlobal(Role role, const std::string& type, const std::string& brief) {
  OperatorSchema schema;
  schema.type = type;
  schema.brief = brief;
  schema.inputs = {{"data", InputCategory::Data}};
  if (role == Role::PowerPooling) {
    schema.attributes.emplace("p", std::int64_t{2});
    schema.validate = requirePower;
  }
  schema.infer = inferGlobal;
  schema.traits = traitsOf(role, BatchRule::PerSample, ChannelRule::WithinChannel);
  return OperatorRegistry::add(std::move(schema));
}

bool addPoolingSchemas() {
  for (const std::size_t spatial : {1U, 2U, 3U}) {
    addPoolingSchema(false, spatial);
    addPoolingSchema(true, spatial);
    addIndexed(spatial);
    addPower(spatial);
  }
  return addGlobal(Role::AveragePooling, "GlobalAveragePooling",
                   "Mean over all spatial axes: y[n, c, 0 ...] = mean over p of data[n, c, p].") &&
         addGlobal(Role::MaxPooling, "GlobalMaxPooling", "Maximum over all spatial axes: y[n, c, 0 ...] = max over p of data[n, c, p].") &&
         addGlobal(Role::PowerPooling, "GlobalLpPooling",
                   "p-norm of all spatial axes: y[n, c, 0 ...] = (sum over i of |data[n, c, i]|^p)^(1 / p).");
}

[[maybe_unused]] const bool kPoolingRegistered = addPoolingSchemas();

}  // namespace

}  // namespace Aidge
