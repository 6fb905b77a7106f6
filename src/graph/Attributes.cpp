#include "aidge/graph/Attributes.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

#include "aidge/core/Errors.hpp"

namespace Aidge {

namespace {

std::string demangle(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), std::free);
  return status == 0 ? std::string(text.get()) : std::string(type.name());
}

std::string display(std::string_view name, const AttributeStore::Relation& relation) {
  std::string text(name);
  if (const auto* tag = std::get_if<std::string>(&relation)) return text + "[" + *tag + "]";
  if (const auto* id = std::get_if<Id>(&relation)) return text + "[" + std::to_string(*id) + "]";
  return text;
}

}  // namespace

std::vector<std::string> AttributeStore::names() const {
  std::vector<std::string> result;
  result.reserve(mEntries.size());
  for (const auto& [key, entry] : mEntries) result.push_back(display(key.first, key.second));
  return result;
}

AttributeStore AttributeStore::clone() const {
  AttributeStore copy;
  for (const auto& [key, entry] : mEntries) copy.mEntries.emplace(key, Entry{entry.copy(entry.value.get()), entry.type, entry.copy});
  return copy;
}

const AttributeStore::Entry* AttributeStore::lookup(std::string_view name, const Relation& relation, const std::type_info& type) const {
  const auto found = mEntries.find(Key(std::string(name), relation));
  if (found == mEntries.end()) return nullptr;
  if (*found->second.type != type) {
    throwExpected("graph::attribute", "\"" + display(name, relation) + "\" to be of type " + demangle(type),
                  "the stored type " + demangle(*found->second.type));
  }
  return &found->second;
}

bool AttributeStore::erase(std::string_view name, const Relation& relation, const std::type_info& type) {
  if (lookup(name, relation, type) == nullptr) return false;
  mEntries.erase(Key(std::string(name), relation));
  return true;
}

void AttributeStore::throwMissing(std::string_view name, const Relation& relation, std::string_view owner) {
  throw MissingAttributeError("[graph::attribute] expected attribute \"" + display(name, relation) + "\", got none on node " +
                              std::string(owner));
}

}  // namespace Aidge
