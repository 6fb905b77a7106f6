#pragma once
// FIBNLR, complete: attributes, parameters, prepare, compute, prune, and the convolutions that a removed activation leaves behind.

#include "aidge/fibnlr/ConvolutionHelpers.hpp"
#include "aidge/fibnlr/Fibnlr.hpp"
