#include "aidge/nodes/Pooling.hpp"

#include "FactoryUtils.hpp"

namespace Aidge {

using namespace detail;

namespace {

template <std::size_t DIM>
AttributeMap attributes(const std::array<DimSize_t, DIM>& kernelDims, const std::array<DimSize_t, DIM>& strideDims,
                        const std::array<DimSize_t, 2 * DIM>& paddingDims, const std::array<DimSize_t, DIM>& dilations, bool ceilMode) {
  return {{"kernel_dims", toInts(kernelDims)},
          {"stride_dims", toInts(strideDims)},
          {"padding_dims", toInts(paddingDims)},
          {"dilation_dims", toInts(dilations)},
          {"ceil_mode", ceilMode}};
}

}  // namespace

template <std::size_t DIM>
NodePtr PaddedMaxPooling(const std::array<DimSize_t, DIM>& kernelDims, const std::string& name,
                         const std::array<DimSize_t, DIM>& strideDims, const std::array<DimSize_t, 2 * DIM>& paddingDims,
                         const std::array<DimSize_t, DIM>& dilations, bool ceilMode) {
  return makeNode(typeName("MaxPooling", DIM), attributes<DIM>(kernelDims, strideDims, paddingDims, dilations, ceilMode), name);
}

template <std::size_t DIM>
NodePtr MaxPooling(const std::array<DimSize_t, DIM>& kernelDims, const std::string& name, const std::array<DimSize_t, DIM>& strideDims,
                   const std::array<DimSize_t, DIM>& dilations, bool ceilMode) {
  return PaddedMaxPooling<DIM>(kernelDims, name, strideDims, filled<2 * DIM>(0), dilations, ceilMode);
}

template <std::size_t DIM>
NodePtr PaddedAvgPooling(const std::array<DimSize_t, DIM>& kernelDims, const std::string& name,
                         const std::array<DimSize_t, DIM>& strideDims, const std::array<DimSize_t, 2 * DIM>& paddingDims,
                         const std::array<DimSize_t, DIM>& dilations, bool ceilMode, bool countIncludePad) {
  AttributeMap values = attributes<DIM>(kernelDims, strideDims, paddingDims, dilations, ceilMode);
  values.emplace("count_include_pad", countIncludePad);
  return makeNode(typeName("AvgPooling", DIM), std::move(values), name);
}

template <std::size_t DIM>
NodePtr AvgPooling(const std::array<DimSize_t, DIM>& kernelDims, const std::string& name, const std::array<DimSize_t, DIM>& strideDims,
                   const std::array<DimSize_t, DIM>& dilations, bool ceilMode) {
  return PaddedAvgPooling<DIM>(kernelDims, name, strideDims, filled<2 * DIM>(0), dilations, ceilMode, false);
}

NodePtr GlobalAveragePooling(const std::string& name) { return makeNode("GlobalAveragePooling", {}, name); }

NodePtr GlobalMaxPooling(const std::string& name) { return makeNode("GlobalMaxPooling", {}, name); }

NodePtr GlobalLpPooling(std::int64_t p, const std::string& name) { return makeNode("GlobalLpPooling", {{"p", p}}, name); }

#define AIDGE_INSTANTIATE(DIM)                                                                                                     \
  template NodePtr MaxPooling<DIM>(const std::array<DimSize_t, DIM>&, const std::string&, const std::array<DimSize_t, DIM>&,       \
                                   const std::array<DimSize_t, DIM>&, bool);                                                       \
  template NodePtr PaddedMaxPooling<DIM>(const std::array<DimSize_t, DIM>&, const std::string&, const std::array<DimSize_t, DIM>&, \
                                         const std::array<DimSize_t, 2 * DIM>&, const std::array<DimSize_t, DIM>&, bool);          \
  template NodePtr AvgPooling<DIM>(const std::array<DimSize_t, DIM>&, const std::string&, const std::array<DimSize_t, DIM>&,       \
                                   const std::array<DimSize_t, DIM>&, bool);                                                       \
  template NodePtr PaddedAvgPooling<DIM>(const std::array<DimSize_t, DIM>&, const std::string&, const std::array<DimSize_t, DIM>&, \
                                         const std::array<DimSize_t, 2 * DIM>&, const std::array<DimSize_t, DIM>&, bool, bool);
AIDGE_INSTANTIATE(1)
AIDGE_INSTANTIATE(2)
AIDGE_INSTANTIATE(3)
#undef AIDGE_INSTANTIATE

}  // namespace Aidge
