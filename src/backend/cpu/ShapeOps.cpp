// Flatten, Reshape, Squeeze, Unsqueeze (copies, unless the planner makes them aliases) and Transpose.
#include <utility>

#include "StridedCopy.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::cpu {

namespace {

std::unique_ptr<Kernel> createTranspose(const KernelRequest& request) {
  const TensorDesc& input = request.inputs[0];
  const std::vector<std::ptrdiff_t> steps = elementSteps(input);
  const std::vector<DimIdx_t> permutation = resolvePermutation(*request.op, input.dims.size());
  IndexMap map;
  for (const std::size_t axis : axesInMemory(permutation.size(), request.outputs[0].layout)) {
    map.append(input.dims[permutation[axis]], steps[permutation[axis]]);
  }
  return createStridedCopy("loop_transpose", {std::move(map)}, input.dtype);
}

bool addShapeOpsKernels() {
  KernelFactory copy;
  copy.inPlace = true;
  copy.create = createCopy;
  for (const std::string type : {"Flatten", "Reshape", "Squeeze", "Unsqueeze"}) KernelRegistry::add("cpu", type, copy);
  KernelFactory transpose;
  transpose.layout = LayoutRule::AnyOrder;
  transpose.keepsChannels = [](const Operator& op) {
    const auto& order = op.attribute<std::vector<std::int64_t>>("output_dims_order");
    return order.size() > 2 && order[0] == 0 && order[1] == 1;
  };
  transpose.create = createTranspose;
  return KernelRegistry::add("cpu", "Transpose", std::move(transpose));
}

[[maybe_unused]] const bool kShapeOpsRegistered = addShapeOpsKernels();

}  // namespace

}  // namespace Aidge::cpu
