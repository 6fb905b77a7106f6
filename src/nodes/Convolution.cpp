#include "aidge/nodes/Convolution.hpp"

#include "FactoryUtils.hpp"

namespace Aidge {

using namespace detail;

template <std::size_t DIM>
NodePtr PaddedConv(DimSize_t inChannels, DimSize_t outChannels, const std::array<DimSize_t, DIM>& kernelDims, const std::string& name,
                   const std::array<DimSize_t, DIM>& strideDims, const std::array<DimSize_t, 2 * DIM>& paddingDims,
                   const std::array<DimSize_t, DIM>& dilationDims, bool noBias, DimSize_t groups) {
  const std::string type = typeName("Conv", DIM);
  requireGroups(type, inChannels, outChannels, groups);
  NodePtr node = makeNode(type,
                          {{"kernel_dims", toInts(kernelDims)},
                           {"stride_dims", toInts(strideDims)},
                           {"dilation_dims", toInts(dilationDims)},
                           {"padding_dims", toInts(paddingDims)},
                           {"groups", groups}},
                          name);
  Dims weight{outChannels, inChannels / groups};
  weight.insert(weight.end(), kernelDims.begin(), kernelDims.end());
  addParam(node, 1, "w", Tensor::full(std::move(weight), 0.0));
  if (!noBias) addParam(node, 2, "b", Tensor::full({outChannels}, 0.0));
  return node;
}

template <std::size_t DIM>
NodePtr Conv(DimSize_t inChannels, DimSize_t outChannels, const std::array<DimSize_t, DIM>& kernelDims, const std::string& name,
             const std::array<DimSize_t, DIM>& strideDims, const std::array<DimSize_t, DIM>& dilationDims, bool noBias, DimSize_t groups) {
  return PaddedConv<DIM>(inChannels, outChannels, kernelDims, name, strideDims, filled<2 * DIM>(0), dilationDims, noBias, groups);
}

template <std::size_t DIM>
NodePtr PaddedConvDepthWise(DimSize_t nbChannels, const std::array<DimSize_t, DIM>& kernelDims, const std::string& name,
                            const std::array<DimSize_t, DIM>& strideDims, const std::array<DimSize_t, 2 * DIM>& paddingDims,
                            const std::array<DimSize_t, DIM>& dilationDims, bool noBias) {
  return PaddedConv<DIM>(nbChannels, nbChannels, kernelDims, name, strideDims, paddingDims, dilationDims, noBias, nbChannels);
}

template <std::size_t DIM>
NodePtr ConvDepthWise(DimSize_t nbChannels, const std::array<DimSize_t, DIM>& kernelDims, const std::string& name,
                      const std::array<DimSize_t, DIM>& strideDims, const std::array<DimSize_t, DIM>& dilationDims, bool noBias) {
  return PaddedConvDepthWise<DIM>(nbChannels, kernelDims, name, strideDims, filled<2 * DIM>(0), dilationDims, noBias);
}

#define AIDGE_INSTANTIATE(DIM)                                                                                                             \
  template NodePtr Conv<DIM>(DimSize_t, DimSize_t, const std::array<DimSize_t, DIM>&, const std::string&,                                  \
                             const std::array<DimSize_t, DIM>&, const std::array<DimSize_t, DIM>&, bool, DimSize_t);                       \
  template NodePtr PaddedConv<DIM>(DimSize_t, DimSize_t, const std::array<DimSize_t, DIM>&, const std::string&,                            \
                                   const std::array<DimSize_t, DIM>&, const std::array<DimSize_t, 2 * DIM>&,                               \
                                   const std::array<DimSize_t, DIM>&, bool, DimSize_t);                                                    \
  template NodePtr ConvDepthWise<DIM>(DimSize_t, const std::array<DimSize_t, DIM>&, const std::string&, const std::array<DimSize_t, DIM>&, \
                                      const std::array<DimSize_t, DIM>&, bool);                                                            \
  template NodePtr PaddedConvDepthWise<DIM>(DimSize_t, const std::array<DimSize_t, DIM>&, const std::string&,                              \
                                            const std::array<DimSize_t, DIM>&, const std::array<DimSize_t, 2 * DIM>&,                      \
                                            const std::array<DimSize_t, DIM>&, bool);
AIDGE_INSTANTIATE(1)
AIDGE_INSTANTIATE(2)
AIDGE_INSTANTIATE(3)
#undef AIDGE_INSTANTIATE

}  // namespace Aidge
