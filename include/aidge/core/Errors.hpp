#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "aidge/core/Export.hpp"

namespace Aidge {

/// An operator or a graph that this library or the chosen backend cannot handle; lists all offenders. Python: aidge_core.UnsupportedError.
class AIDGE_EXPORT UnsupportedError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Dims or values that only a run tells. What can be planned without them is planned; the rest follows when they are known.
class AIDGE_EXPORT DataDependentError : public UnsupportedError {
 public:
  using UnsupportedError::UnsupportedError;
};

/// A typed attribute that a node does not have. Python: KeyError.
class AIDGE_EXPORT MissingAttributeError : public std::out_of_range {
 public:
  using std::out_of_range::out_of_range;
};

/// The user stopped a long call (Ctrl-C). Python: KeyboardInterrupt.
class AIDGE_EXPORT InterruptedError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// "[where] expected `expected`, got `got`" as std::invalid_argument. `where` is "area::function".
[[noreturn]] AIDGE_EXPORT void throwExpected(std::string_view where, std::string_view expected, std::string_view got);

/// "[where] message" as std::invalid_argument, for mistakes that "expected X, got Y" does not fit.
[[noreturn]] AIDGE_EXPORT void throwInvalid(std::string_view where, std::string_view message);

}  // namespace Aidge
