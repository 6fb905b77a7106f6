#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>
#include <variant>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/core/Types.hpp"

namespace Aidge {

/// A type that can be attached to a node: it says its own name, and a fresh value can be made.
template <typename T>
concept NodeAttribute = std::default_initializable<T> && std::copyable<T> && requires {
  { T::name } -> std::convertible_to<std::string_view>;
};

/// A compile-time relation: any type with a name.
template <typename R>
concept AttributeRelation = requires {
  { R::name } -> std::convertible_to<std::string_view>;
};

/// Typed attributes of one node, keyed by (type name, relation). Values are shared: a pointer handed out stays valid after
/// set, remove and the death of the store.
class AIDGE_EXPORT AttributeStore {
 public:
  /// Relation of an attribute: none, a compile-time type's name, or a run-time id.
  using Relation = std::variant<std::monostate, std::string, Id>;

  /// Adds a default value, or keeps the one that is there.
  template <NodeAttribute T> T& add(const Relation& relation = {}) { return *emplace<T>(relation); }
  template <NodeAttribute T> void set(const Relation& relation, T value) { *emplace<T>(relation) = std::move(value); }
  template <NodeAttribute T> [[nodiscard]] bool has(const Relation& relation = {}) const { return find<T>(relation) != nullptr; }
  /// Throws MissingAttributeError naming the attribute, the relation and `owner`.
  template <NodeAttribute T> [[nodiscard]] std::shared_ptr<T> get(const Relation& relation, std::string_view owner) const {
    auto value = find<T>(relation);
    if (!value) throwMissing(T::name, relation, owner);
    return value;
  }
  /// nullptr if there is none. Throws std::invalid_argument, naming both types, if another type of the same name is stored.
  template <NodeAttribute T> [[nodiscard]] std::shared_ptr<T> find(const Relation& relation = {}) const {
    const Entry* entry = lookup(T::name, relation, typeid(T));
    return entry ? std::static_pointer_cast<T>(entry->value) : nullptr;
  }
  template <NodeAttribute T> bool remove(const Relation& relation = {}) { return erase(T::name, relation, typeid(T)); }
  /// Names of what is stored, sorted; with relation as "npr[input]" or "npr[3]".
  [[nodiscard]] std::vector<std::string> names() const;
  /// Deep copy: the values are copied, not shared.
  [[nodiscard]] AttributeStore clone() const;

 private:
  using Key = std::pair<std::string, Relation>;
  struct Entry {
    std::shared_ptr<void> value;
    const std::type_info* type = nullptr;
    std::shared_ptr<void> (*copy)(const void*) = nullptr;
  };

  [[nodiscard]] const Entry* lookup(std::string_view name, const Relation& relation, const std::type_info& type) const;
  bool erase(std::string_view name, const Relation& relation, const std::type_info& type);
  [[noreturn]] static void throwMissing(std::string_view name, const Relation& relation, std::string_view owner);

  template <NodeAttribute T> std::shared_ptr<T> emplace(const Relation& relation) {
    if (auto present = find<T>(relation)) return present;
    auto value = std::make_shared<T>();
    mEntries[Key(std::string(T::name), relation)] =
        Entry{value, &typeid(T), [](const void* v) -> std::shared_ptr<void> { return std::make_shared<T>(*static_cast<const T*>(v)); }};
    return value;
  }

  std::map<Key, Entry> mEntries;
};

}  // namespace Aidge
