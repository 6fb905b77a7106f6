#include <map>
#include <stdexcept>

#include "aidge/operator/Operator.hpp"

namespace Aidge {

namespace {

std::map<std::string, OperatorSchema, std::less<>>& schemas() {
  static std::map<std::string, OperatorSchema, std::less<>> registry;
  return registry;
}

OperatorRegistry::Evaluator& registeredEvaluator() {
  static OperatorRegistry::Evaluator evaluator;
  return evaluator;
}

OperatorRegistry::GenericInference& registeredInference() {
  static OperatorRegistry::GenericInference infer;
  return infer;
}

}  // namespace

bool OperatorRegistry::add(OperatorSchema schema) {
  const std::string type = schema.type;
  if (!schemas().emplace(type, std::move(schema)).second)
    throw std::logic_error("[operator::registry] type \"" + type + "\" is registered twice");
  return true;
}

const OperatorSchema* OperatorRegistry::find(std::string_view type) {
  const auto found = schemas().find(type);
  return found == schemas().end() ? nullptr : &found->second;
}

std::vector<std::string> OperatorRegistry::types() {
  std::vector<std::string> names;
  for (const auto& [name, schema] : schemas()) names.push_back(name);
  return names;
}

bool OperatorRegistry::setEvaluator(Evaluator evaluator) {
  registeredEvaluator() = std::move(evaluator);
  return true;
}

const OperatorRegistry::Evaluator& OperatorRegistry::evaluator() { return registeredEvaluator(); }

void OperatorRegistry::setGenericInference(GenericInference infer) { registeredInference() = std::move(infer); }

const OperatorRegistry::GenericInference& OperatorRegistry::genericInference() { return registeredInference(); }

}  // namespace Aidge
