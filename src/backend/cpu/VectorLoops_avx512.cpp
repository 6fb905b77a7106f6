#include "VectorLoops.hpp"

#define AIDGE_LOOPS_NAMESPACE avx512
#define AIDGE_LOOPS_SET InstructionSet::Avx512
#include "VectorLoops.inc"
