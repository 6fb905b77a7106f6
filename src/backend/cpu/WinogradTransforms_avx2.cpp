#include "WinogradTransforms.hpp"

#define AIDGE_LOOPS_NAMESPACE avx2
#include "WinogradTransforms.inc"
