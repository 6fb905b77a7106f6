/// One include for Catch2 version 2 (Debian 12) and version 3: tests are written against the names of version 3.
#ifndef AIDGE_UNIT_TEST_CATCH_HPP
#define AIDGE_UNIT_TEST_CATCH_HPP

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_approx.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_all.hpp>
#include <catch2/matchers/catch_matchers_all.hpp>
#else
#include <catch2/catch.hpp>

namespace Catch {
using Detail::Approx;
}
namespace Catch::Matchers {
/// Version 3's name for what version 2 calls Contains(string).
inline auto ContainsSubstring(const std::string& text, CaseSensitive::Choice choice = CaseSensitive::Yes) { return Contains(text, choice); }
}  // namespace Catch::Matchers
#endif

#endif
