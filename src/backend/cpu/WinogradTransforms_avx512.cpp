#include "WinogradTransforms.hpp"

#define AIDGE_LOOPS_NAMESPACE avx512
#include "WinogradTransforms.inc"
