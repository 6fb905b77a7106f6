#include "aidge/fibnlr/Parameters.hpp"

#include <algorithm>
#include <cmath>

#include "aidge/core/Errors.hpp"
#include "aidge/operator/Operator.hpp"

namespace Aidge::fibnlr {

namespace {

constexpr std::string_view kWhereParameters = "fibnlr::Parameters";

void checkNotNegative(std::string_view name, double value) {
  if (!std::isfinite(value) || value < 0.0) throwExpected(kWhereParameters, std::string(name) + " finite and >= 0", std::to_string(value));
}

/// A value outside of the enumeration (a cast integer) has no name.
template <typename E> void checkEnum(std::string_view name, E value) {
  if (toString(value).empty()) {
    throwExpected(kWhereParameters, "a member of the enumeration for " + std::string(name), std::to_string(static_cast<unsigned>(value)));
  }
}

}  // namespace

std::string_view toString(Method value) {
  switch (value) {
    case Method::Strict:
      return "STRICT";
    case Method::Loose:
      return "LOOSE";
  }
  return "";
}

std::string_view toString(NormalizationMethod value) {
  switch (value) {
    case NormalizationMethod::None:
      return "NONE";
    case NormalizationMethod::MinMax:
      return "MIN_MAX";
    case NormalizationMethod::Sum:
      return "SUM";
    case NormalizationMethod::Average:
      return "AVERAGE";
  }
  return "";
}

std::string_view toString(GroupMethod value) {
  switch (value) {
    case GroupMethod::None:
      return "NONE";
    case GroupMethod::ImageSize:
      return "IMAGE_SIZE";
    case GroupMethod::Manual:
      return "MANUAL";
  }
  return "";
}

std::string_view toString(AblationCriteria value) {
  switch (value) {
    case AblationCriteria::None:
      return "NONE";
    case AblationCriteria::XLeastPerGroup:
      return "X_LEAST_PER_GROUP";
    case AblationCriteria::Threshold:
      return "THRESHOLD";
  }
  return "";
}

std::string_view toString(AblationMethod value) {
  switch (value) {
    case AblationMethod::None:
      return "NONE";
    case AblationMethod::Identity:
      return "IDENTITY";
    case AblationMethod::Affine:
      return "AFFINE";
    case AblationMethod::Remove:
      return "REMOVE";
  }
  return "";
}

Parameters Parameters::paper() {
  Parameters params;
  params.method = Method::Loose;
  params.normalization = NormalizationMethod::Average;
  params.ablationCriteria = AblationCriteria::XLeastPerGroup;
  return params;
}

Parameters Parameters::none() {
  Parameters params;
  params.normalization = NormalizationMethod::None;
  params.group = GroupMethod::None;
  params.ablationCriteria = AblationCriteria::None;
  params.ablationMethod = AblationMethod::None;
  return params;
}

namespace {

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

void Parameters::validate() const {
  checkEnum("method", method);
  checkEnum("normalization", normalization);
  checkEnum("group", group);
  checkEnum("ablation_criteria", ablationCriteria);
  checkEnum("ablation_method", ablationMethod);
  checkNotNegative("ablation_threshold", ablationThreshold);
  checkNotNegative("convergence_threshold", convergenceThreshold);
  const auto& supported = supportedPrunableTypes();
  for (const std::string& type : prunableTypes) {
    if (std::find(supported.begin(), supported.end(), type) == supported.end()) {
      throwExpected(kWhereParameters, "prunable_types out of " + listed(supported), "\"" + type + "\"");
    }
  }
  for (const auto& [key, id] : groupAssignments) {
    if (const auto* node = std::get_if<NodePtr>(&key); node && !*node)
      throwExpected(kWhereParameters, "group_assignments of nodes or names", "no node");
  }
}

const std::vector<std::string>& supportedPrunableTypes() {
  static const std::vector<std::string> types = [] {
    std::vector<std::string> rectifiers = OperatorRegistry::types();
    std::erase_if(rectifiers, [](const std::string& type) { return OperatorRegistry::find(type)->traits.rectifier == notRectifier; });
    return rectifiers;
  }();
  return types;
}

}  // namespace Aidge::fibnlr
