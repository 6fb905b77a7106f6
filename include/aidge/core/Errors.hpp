#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace Aidge {

/// An operator or a graph that this library or the chosen backend cannot handle; lists all offenders. Python: aidge_core.UnsupportedError.
class UnsupportedError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Dims or values that only a run tells. What can be planned without them is planned; the rest follows when they are known.
class DataDependentError : public UnsupportedError {
 public:
  using UnsupportedError::UnsupportedError;
};

/// A typed attribute that a node does not have. Python: KeyError.
class MissingAttributeError : public std::out_of_range {
 public:
  using std::out_of_range::out_of_range;
};

/// The user stopped a long call (Ctrl-C). Python: KeyboardInterrupt.
class InterruptedError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// "[where] expected `expected`, got `got`" as std::invalid_argument. `where` is "area::function".
[[noreturn]] void throwExpected(std::string_view where, std::string_view expected, std::string_view got);

/// "[where] message" as std::invalid_argument, for mistakes that "expected X, got Y" does not fit.
[[noreturn]] void throwInvalid(std::string_view where, std::string_view message);

}  // namespace Aidge
