#include <atomic>
#include <thread>

#include "aidge/operator/Operator.hpp"
#include "catch.hpp"

using namespace Aidge;

TEST_CASE("Types are added and looked up in several threads at the same time", "[registry]") {
  constexpr int kTypes = 200;
  std::atomic<int> wrong{0};
  std::thread writer([] {
    for (int i = 0; i < kTypes; ++i) {
      OperatorSchema schema = *OperatorRegistry::find("ReLU");  // a true type, for tests over all of them
      schema.type = "RegistryTest" + std::to_string(i);
      OperatorRegistry::add(std::move(schema));
    }
  });
  std::thread reader([&] {
    for (int i = 0; i < kTypes; ++i) {
      const OperatorSchema* schema = OperatorRegistry::find("ReLU");
      wrong += schema != nullptr && schema->type == "ReLU" ? 0 : 1;
      wrong += OperatorRegistry::types().empty() ? 1 : 0;
    }
  });
  writer.join();
  reader.join();
  CHECK(wrong == 0);
  CHECK(OperatorRegistry::find("RegistryTest199") != nullptr);
  CHECK(OperatorRegistry::find("RegistryTest200") == nullptr);
}
