#include "aidge/core/Errors.hpp"

namespace Aidge {

void throwExpected(std::string_view where, std::string_view expected, std::string_view got) {
  throw std::invalid_argument("[" + std::string(where) + "] expected " + std::string(expected) + ", got " + std::string(got));
}

void throwInvalid(std::string_view where, std::string_view message) {
  throw std::invalid_argument("[" + std::string(where) + "] " + std::string(message));
}

}  // namespace Aidge
