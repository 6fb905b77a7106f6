#include "aidge/core/InstructionSet.hpp"

#include <stdexcept>

#include "catch.hpp"

using namespace Aidge;

TEST_CASE("An instruction set is parsed from the word that names it") {
  for (const InstructionSet set : {InstructionSet::Portable, InstructionSet::Avx2, InstructionSet::Avx512}) {
    CHECK(parseInstructionSet(toString(set)) == set);
  }
  CHECK(toString(InstructionSet::Portable) == "sse41");
}

TEST_CASE("Any other word is refused with the words that are possible") {
  for (const char* word : {"", "AVX2", "avx", "avx512_core", " avx2", "portable"}) {
    CHECK_THROWS_WITH(parseInstructionSet(word),
                      "[core::parseInstructionSet] expected AIDGE_MAX_ISA as avx512, avx2 or sse41, got \"" + std::string(word) + "\"");
  }
}

TEST_CASE("The best instruction set is the largest one that can be used, and never above the cap") {
  const InstructionSet best = bestInstructionSet();
  CHECK(hasInstructionSet(best));
  CHECK(hasInstructionSet(InstructionSet::Portable));
  for (const InstructionSet set : {InstructionSet::Avx2, InstructionSet::Avx512}) {
    if (set > best) CHECK_FALSE(hasInstructionSet(set));
  }
  CHECK(best <= instructionSetCap().value_or(InstructionSet::Avx512));
}
