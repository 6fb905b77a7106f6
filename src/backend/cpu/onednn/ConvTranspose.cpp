#include <string>

#include "Convolution.hpp"

namespace Aidge::cpu::onednn {

[[maybe_unused]] static const bool kConvTransposeIsAdded = [] {
  for (const std::string type : {"ConvTranspose1D", "ConvTranspose2D", "ConvTranspose3D"})
    KernelRegistry::add("cpu", type, convolutionFactory(true));
  return true;
}();

}  // namespace Aidge::cpu::onednn
