// What is attached to a node says its name, and can be made and copied. Each CASE but 0 breaks one of these promises.
#include <memory>
#include <string_view>

#include "aidge/graph/Node.hpp"

struct Named { static constexpr std::string_view name = "named"; };
struct Nameless {};
struct NumberedName { static constexpr int name = 1; };
struct Unmakeable {
  static constexpr std::string_view name = "unmakeable";
  explicit Unmakeable(int) {}
};
struct Uncopyable {
  static constexpr std::string_view name = "uncopyable";
  std::unique_ptr<int> value;
};

void use(Aidge::Node& node) {
#if CASE == 0  // A type with a name can be attached, also by a relation
  node.add<Named>();
  node.add<Named, Named>();
#elif CASE == 1  // A type without a name cannot be attached: NodeAttribute, T::name
  node.add<Nameless>();
#elif CASE == 2  // A type whose name is not text cannot be attached: NodeAttribute, T::name
  node.add<NumberedName>();
#elif CASE == 3  // A type without a default value cannot be attached: NodeAttribute, default_initializable
  node.add<Unmakeable>();
#elif CASE == 4  // A type that cannot be copied cannot be attached: NodeAttribute, copyable
  node.add<Uncopyable>();
#elif CASE == 5  // A type without a name is not a relation: AttributeRelation, R::name
  node.add<Nameless, Named>();
#endif
}
