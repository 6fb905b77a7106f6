#include "KernelSupport.hpp"

#include <cstring>

namespace Aidge::cpu {

std::string refuseOtherTypes(std::span<const TensorInfo> inputs, std::initializer_list<DataType> types) {
  for (const TensorInfo& input : inputs) {
    if (input.missing || std::find(types.begin(), types.end(), input.dtype) != types.end()) continue;
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

std::size_t storedAxis(std::size_t axis, std::size_t rank, Layout layout) {
  if (layout == Layout::Plain || rank < 3 || axis == 0) return axis;
  return axis == 1 ? rank - 1 : axis - 1;
}

std::unique_ptr<Kernel> createCopy(const KernelRequest& request) {
  return std::make_unique<FunctionKernel>("copy", [bytes = request.outputs[0].bytes()](auto inputs, auto outputs, std::byte*) {
    if (inputs[0] == outputs[0]) return;
    const auto* in = static_cast<const std::byte*>(inputs[0]);
    auto* out = static_cast<std::byte*>(outputs[0]);
    forBlocks(bytes, kBlock * sizeof(float),
              [&](std::size_t begin, std::size_t end) { std::memcpy(out + begin, in + begin, end - begin); });
  });
}

}  // namespace Aidge::cpu
