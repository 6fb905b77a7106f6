#include "aidge/nodes/Concat.hpp"

#include "FactoryUtils.hpp"

namespace Aidge {

using namespace detail;

namespace {

/// More inputs than any network has; keeps a wrong count from exhausting memory.
constexpr IOIndex_t kMostInputs = 65536;

}  // namespace

NodePtr Concat(IOIndex_t nbInputs, std::int64_t axis, const std::string& name) {
  if (nbInputs < 1 || nbInputs > kMostInputs) {
    throwExpected("operator::Concat", "1 to " + std::to_string(kMostInputs) + " inputs", std::to_string(nbInputs));
  }
  return makeNode("Concat", {{"axis", axis}}, name, nbInputs);
}

}  // namespace Aidge
