#include "KernelSupport.hpp"

namespace Aidge::cpu {

std::string refuseOtherTypes(std::span<const TensorInfo> inputs, std::initializer_list<DataType> types) {
  for (const TensorInfo& input : inputs) {
    if (std::find(types.begin(), types.end(), input.dtype) != types.end()) continue;
    std::string reason = "type " + std::string(toString(input.dtype)) + " (it runs";
    for (const DataType type : types) reason.append(" ").append(toString(type));
    return reason + ")";
  }
  return "";
}

Dims storedDims(const TensorDesc& desc) {
  Dims dims = desc.dims;
  if (desc.layout == Layout::ChannelsLast && dims.size() > 2) std::rotate(dims.begin() + 1, dims.begin() + 2, dims.end());
  return dims;
}

}  // namespace Aidge::cpu
