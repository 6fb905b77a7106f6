#include "aidge/operator/Resize.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

using Doubles = std::vector<double>;

/// Inputs after the data, which come after attributes of the same names.
constexpr std::size_t kRoi = 1;
constexpr std::size_t kScales = 2;
constexpr std::size_t kSizes = 3;
/// Extents stay below this, so that coordinates fit floating point arithmetic.
constexpr double kMostExtent = 2147483647.0;

Doubles floatArgument(const Operator& op, Inputs inputs, std::size_t index, std::string_view name) {
  const bool connected = index < inputs.size() && !inputs[index].missing;
  if (!connected) return op.attribute<Doubles>(name);
  if (inputs[index].value == nullptr) {
    throw DataDependentError("[" + errorSite(op) + "] expected " + std::string(name) +
                             " that are known before run time (constant, or computed from dims), got values that are not");
  }
  return inputs[index].value->toDoubles();
}

std::string lengthText(std::string_view name, std::size_t length) {
  return std::string(name) + " with " + std::to_string(length) + " entries";
}

void applyRoi(const Operator& op, const Doubles& roi, const std::vector<DimIdx_t>& axes, std::vector<ResizeAxis>& result) {
  if (op.attribute<std::string>("coordinate_transformation_mode") != "tf_crop_and_resize") return;
  if (roi.size() != 2 * axes.size()) throwExpected(errorSite(op), lengthText("roi", 2 * axes.size()), std::to_string(roi.size()));
  for (std::size_t i = 0; i < axes.size(); ++i) {
    result[axes[i]].cropped = true;
    result[axes[i]].roiStart = static_cast<float>(roi[i]);
    result[axes[i]].roiEnd = static_cast<float>(roi[axes.size() + i]);
  }
}

void applyScales(const Operator& op, const Doubles& scales, const std::vector<DimIdx_t>& axes, std::vector<ResizeAxis>& result) {
  if (scales.size() != axes.size()) throwExpected(errorSite(op), lengthText("scales", axes.size()), std::to_string(scales.size()));
  for (std::size_t i = 0; i < axes.size(); ++i) {
    ResizeAxis& axis = result[axes[i]];
    axis.scale = static_cast<float>(scales[i]);
    const double extent = std::floor(static_cast<float>(axis.input) * axis.scale);  // in float, as ONNX and ONNX Runtime: 5 * 2.6F is 13
    if (!(axis.scale > 0.0F) || extent > kMostExtent)
      throwExpected(errorSite(op), "scales above 0 of extents that fit", std::to_string(scales[i]));
    axis.output = static_cast<DimSize_t>(extent);
  }
}

void applySizes(const Operator& op, const Ints& sizes, const std::vector<DimIdx_t>& axes, std::vector<ResizeAxis>& result) {
  requireEntries(op, "sizes", sizes, axes.size(), 0, static_cast<std::int64_t>(kMostExtent));
  const auto& policy = op.attribute<std::string>("keep_aspect_ratio_policy");
  float common = policy == "not_larger" ? std::numeric_limits<float>::max() : 0.0F;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    ResizeAxis& axis = result[axes[i]];
    axis.output = sizes[i];
    axis.scale = axis.input == 0 ? 1.0F : static_cast<float>(sizes[i]) / static_cast<float>(axis.input);
    common = policy == "not_larger" ? std::min(common, axis.scale) : std::max(common, axis.scale);
  }
  if (policy == "stretch") return;
  for (const DimIdx_t index : axes) {
    ResizeAxis& axis = result[index];
    axis.scale = common;
    axis.output = static_cast<DimSize_t>(std::floor(common * static_cast<float>(axis.input) + 0.5F));
  }
}

std::vector<TensorInfo> inferResize(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  Dims dims;
  for (const ResizeAxis& axis : resolveResize(op, inputs)) {
    if (axis.input == 0 && axis.output > 0) throwExpected(errorSite(op), "data with elements to make others of", toString(inputs[0].dims));
    dims.push_back(axis.output);
  }
  return result(std::move(dims), inputs[0].dtype);
}

void validateResize(const Operator& op) {
  static constexpr std::array<std::string_view, 3> kModes{"nearest", "linear", "cubic"};
  static constexpr std::array<std::string_view, 7> kTransformations{"half_pixel",          "half_pixel_symmetric", "pytorch_half_pixel",
                                                                    "align_corners",       "asymmetric",           "tf_crop_and_resize",
                                                                    "tf_half_pixel_for_nn"};
  static constexpr std::array<std::string_view, 4> kNearest{"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
  static constexpr std::array<std::string_view, 3> kPolicies{"stretch", "not_larger", "not_smaller"};
  requireOneOf(op, "mode", kModes);
  requireOneOf(op, "coordinate_transformation_mode", kTransformations);
  requireOneOf(op, "nearest_mode", kNearest);
  requireOneOf(op, "keep_aspect_ratio_policy", kPolicies);
  if (op.attribute<bool>("antialias") && op.attribute<std::string>("mode") == "nearest") {
    throwExpected(errorSite(op), "antialias with mode \"linear\" or \"cubic\"", "\"nearest\"");
  }
  if (!op.attribute<Doubles>("scales").empty() && !op.attribute<Ints>("sizes").empty()) {
    throwExpected(errorSite(op), "either scales or sizes", "both");
  }
}

bool addResize() {
  OperatorSchema schema;
  schema.type = "Resize";
  schema.brief = "The data resampled along some axes: nearest, linear or cubic.";
  schema.inputs = {{"data", InputCategory::Data, kNumericTypes}};
  schema.extraInputs = {"roi", "scales", "sizes"};
  schema.attributes = {{"mode", std::string("nearest")},
                       {"scales", Doubles{}},
                       {"sizes", Ints{}},
                       {"roi", Doubles{}},
                       {"axes", Ints{}},
                       {"coordinate_transformation_mode", std::string("half_pixel")},
                       {"nearest_mode", std::string("round_prefer_floor")},
                       {"cubic_coeff_a", -0.75},
                       {"exclude_outside", false},
                       {"extrapolation_value", 0.0},
                       {"antialias", false},
                       {"keep_aspect_ratio_policy", std::string("stretch")}};
  schema.validate = validateResize;
  schema.infer = inferResize;
  schema.traits = traitsOf(Role::Other, BatchRule::PerSample, ChannelRule::Resize);
  schema.traits.batch.holds = [](const Operator& op, Inputs inputs) { return resolveResize(op, inputs)[0].isUnchanged(); };
  return OperatorRegistry::add(std::move(schema));
}

[[maybe_unused]] const bool kResizeRegistered = addResize();

}  // namespace

std::vector<ResizeAxis> resolveResize(const Operator& op, std::span<const TensorInfo> inputs) {
  const Dims& dims = inputs[0].dims;
  std::vector<ResizeAxis> result(dims.size());
  for (std::size_t i = 0; i < dims.size(); ++i) result[i].input = result[i].output = dims[i];
  std::vector<DimIdx_t> axes = normaliseAxes(errorSite(op), op.attribute<Ints>("axes"), dims.size());
  for (DimIdx_t i = 0; axes.size() < dims.size() && op.attribute<Ints>("axes").empty(); ++i) axes.push_back(i);
  const Doubles scales = floatArgument(op, inputs, kScales, "scales");
  const Ints sizes = listArgument(op, inputs, kSizes);
  if (scales.empty() == sizes.empty() && !axes.empty())
    throwExpected(errorSite(op), "either scales or sizes", scales.empty() ? "none" : "both");
  if (!scales.empty()) {
    applyScales(op, scales, axes, result);
  } else {
    applySizes(op, sizes, axes, result);
  }
  applyRoi(op, floatArgument(op, inputs, kRoi, "roi"), axes, result);
  return result;
}

}  // namespace Aidge
