#include "VectorLoops.hpp"

#define AIDGE_LOOPS_NAMESPACE avx2
#define AIDGE_LOOPS_SET InstructionSet::Avx2
#include "VectorLoops.inc"
