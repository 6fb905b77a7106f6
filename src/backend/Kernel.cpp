#include "aidge/backend/Kernel.hpp"

#include <map>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace Aidge {

namespace {

/// Function-local, so that registration from other translation units' static initialisers always finds it alive.
struct Registry {
  std::mutex mutex;
  std::map<std::string, std::map<std::string, KernelFactory, std::less<>>, std::less<>> factories;
  std::map<std::string, BackendServices, std::less<>> services;
};

Registry& registry() {
  static Registry instance;
  return instance;
}

}  // namespace

void Kernel::runCounting(std::span<const void* const> /*inputs*/, std::span<void* const> /*outputs*/, std::byte* /*scratch*/,
                         SignAccumulator& /*signs*/) {
  throw std::logic_error("[backend::runCounting] expected a kernel that counts, got " + implementation());
}

std::vector<TensorInfo> KernelRequest::infos() const {
  std::vector<TensorInfo> result;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    result.push_back(
        {inputs[i].dims, inputs[i].dtype, constants[i] ? std::make_shared<const Tensor>(*constants[i]) : nullptr, !present[i]});
  }
  return result;
}

bool KernelRegistry::add(std::string_view backend, std::string_view type, KernelFactory factory) {
  Registry& r = registry();
  const std::lock_guard lock(r.mutex);
  if (!factory.create) throw std::logic_error("[backend::add] expected a create function for " + std::string(type));
  const bool added = r.factories[std::string(backend)].emplace(type, std::move(factory)).second;
  if (!added)
    throw std::logic_error("[backend::add] backend " + std::string(backend) + " has a kernel for " + std::string(type) + " already");
  return added;
}

const KernelFactory* KernelRegistry::find(std::string_view backend, std::string_view type) {
  Registry& r = registry();
  const std::lock_guard lock(r.mutex);
  const auto ofBackend = r.factories.find(backend);
  if (ofBackend == r.factories.end()) return nullptr;
  const auto found = ofBackend->second.find(type);
  return found == ofBackend->second.end() ? nullptr : &found->second;
}

std::string KernelRegistry::refusal(const KernelFactory& factory, const Operator& op, std::span<const TensorInfo> inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const InputSpec& spec = op.inputSpec(i);
    if (inputs[i].missing || spec.types.contains(inputs[i].dtype)) continue;
    std::string reason = spec.name + " of type " + std::string(toString(inputs[i].dtype)) + " (it runs";
    for (const DataType type : spec.types.types()) reason.append(" ").append(toString(type));
    return reason + ")";
  }
  return factory.unsupported ? factory.unsupported(op, inputs) : "";
}

bool KernelRegistry::setServices(std::string_view backend, BackendServices services) {
  Registry& r = registry();
  const std::lock_guard lock(r.mutex);
  r.services[std::string(backend)] = std::move(services);
  return true;
}

const BackendServices& KernelRegistry::services(std::string_view backend) {
  static const BackendServices none;
  Registry& r = registry();
  const std::lock_guard lock(r.mutex);
  const auto found = r.services.find(backend);
  return found == r.services.end() ? none : found->second;
}

bool KernelRegistry::hasBackend(std::string_view backend) {
  Registry& r = registry();
  const std::lock_guard lock(r.mutex);
  return r.factories.find(backend) != r.factories.end();
}

std::vector<std::string> KernelRegistry::backends() {
  Registry& r = registry();
  const std::lock_guard lock(r.mutex);
  std::vector<std::string> names;
  for (const auto& entry : r.factories) names.push_back(entry.first);
  return names;
}

}  // namespace Aidge
