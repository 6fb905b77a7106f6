#include "aidge/nodes/ConvTranspose.hpp"

#include "FactoryUtils.hpp"

namespace Aidge {

using namespace detail;

template <std::size_t DIM>
NodePtr ConvTranspose(DimSize_t inChannels, DimSize_t outChannels, const std::array<DimSize_t, DIM>& kernelDims, const std::string& name,
                      const std::array<DimSize_t, DIM>& strideDims, const std::array<DimSize_t, DIM>& dilationDims, bool noBias,
                      const std::array<DimSize_t, 2 * DIM>& paddingDims, const std::array<DimSize_t, DIM>& outputPadding,
                      DimSize_t groups) {
  const std::string type = typeName("ConvTranspose", DIM);
  requireGroups(type, inChannels, outChannels, groups);
  NodePtr node = makeNode(type,
                          {{"kernel_dims", toInts(kernelDims)},
                           {"stride_dims", toInts(strideDims)},
                           {"dilation_dims", toInts(dilationDims)},
                           {"padding_dims", toInts(paddingDims)},
                           {"output_padding", toInts(outputPadding)},
                           {"groups", groups}},
                          name);
  Dims weight{inChannels, outChannels / groups};
  weight.insert(weight.end(), kernelDims.begin(), kernelDims.end());
  addParam(node, 1, "w", Tensor::full(std::move(weight), 0.0));
  if (!noBias) addParam(node, 2, "b", Tensor::full({outChannels}, 0.0));
  return node;
}

#define AIDGE_INSTANTIATE(DIM)                                                                                     \
  template NodePtr ConvTranspose<DIM>(DimSize_t, DimSize_t, const std::array<DimSize_t, DIM>&, const std::string&, \
                                      const std::array<DimSize_t, DIM>&, const std::array<DimSize_t, DIM>&, bool,  \
                                      const std::array<DimSize_t, 2 * DIM>&, const std::array<DimSize_t, DIM>&, DimSize_t);
AIDGE_INSTANTIATE(1)
AIDGE_INSTANTIATE(2)
AIDGE_INSTANTIATE(3)
#undef AIDGE_INSTANTIATE

}  // namespace Aidge
