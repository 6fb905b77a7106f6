#include <map>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>

#include "aidge/operator/Operator.hpp"

namespace Aidge {

namespace {

/// Function-local, so that registration from other translation units' static initialisers always finds it alive.
struct Registry {
  std::shared_mutex mutex;
  std::map<std::string, OperatorSchema, std::less<>> schemas;
};

Registry& registry() {
  static Registry instance;
  return instance;
}

}  // namespace

bool OperatorRegistry::add(OperatorSchema schema) {
  const std::string type = schema.type;
  const std::unique_lock lock(registry().mutex);
  if (!registry().schemas.emplace(type, std::move(schema)).second)
    throw std::logic_error("[operator::registry] type \"" + type + "\" is registered twice");
  return true;
}

const OperatorSchema* OperatorRegistry::find(std::string_view type) {
  const std::shared_lock lock(registry().mutex);
  const auto found = registry().schemas.find(type);
  return found == registry().schemas.end() ? nullptr : &found->second;
}

std::vector<std::string> OperatorRegistry::types() {
  const std::shared_lock lock(registry().mutex);
  std::vector<std::string> names;
  for (const auto& [name, schema] : registry().schemas) names.push_back(name);
  return names;
}

}  // namespace Aidge
