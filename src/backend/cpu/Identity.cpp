// Identity and, at inference, Dropout: a copy, or nothing where the output lies on the input.
#include "KernelSupport.hpp"

namespace Aidge::cpu {

namespace {

bool addIdentityKernels() {
  KernelFactory factory;
  factory.layout = LayoutRule::SameAsInput;
  factory.inPlace = true;
  factory.create = createCopy;
  for (const std::string type : {"Identity", "Dropout"}) KernelRegistry::add("cpu", type, factory);
  return true;
}

[[maybe_unused]] const bool kIdentityRegistered = addIdentityKernels();

}  // namespace

}  // namespace Aidge::cpu
