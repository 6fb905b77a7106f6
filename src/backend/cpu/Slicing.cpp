// Slice, Split, Expand, Tile, DepthToSpace, SpaceToDepth and the planner's "Rearrange": affine index maps in either memory order.
#include "aidge/operator/Slicing.hpp"

#include <utility>

#include "StridedCopy.hpp"
#include "aidge/operator/ShapeUtils.hpp"

namespace Aidge::cpu {

namespace {

std::unique_ptr<Kernel> createSlice(const KernelRequest& request) {
  const std::vector<SliceRange> ranges = resolveSlice(*request.op, request.infos());
  const std::vector<std::ptrdiff_t> steps = elementSteps(request.inputs[0]);
  IndexMap map;
  for (const std::size_t axis : axesInMemory(ranges.size(), request.inputs[0].layout)) {
    map.offset += ranges[axis].start * steps[axis];
    // A single element's step is never taken; it may be too large to be multiplied.
    map.append(ranges[axis].extent, ranges[axis].extent > 1 ? ranges[axis].step * steps[axis] : 0);
  }
  return createStridedCopy("loop_slice", {std::move(map)}, request.inputs[0].dtype);
}

std::unique_ptr<Kernel> createSplit(const KernelRequest& request) {
  const TensorDesc& input = request.inputs[0];
  const std::size_t cut = normaliseAxis("backend::Split", request.op->attribute<std::int64_t>("axis"), input.dims.size());
  const std::vector<std::ptrdiff_t> steps = elementSteps(input);
  std::vector<IndexMap> maps;
  std::ptrdiff_t start = 0;
  for (const TensorDesc& output : request.outputs) {
    IndexMap& map = maps.emplace_back();
    map.offset = start * steps[cut];
    for (const std::size_t axis : axesInMemory(input.dims.size(), input.layout)) map.append(output.dims[axis], steps[axis]);
    start += output.dims[cut];
  }
  return createStridedCopy("loop_split", std::move(maps), input.dtype);
}

/// Both repeat whole axes; an Expand has one element where it repeats.
std::unique_ptr<Kernel> createRepeat(const KernelRequest& request, const std::string& name) {
  const TensorDesc& input = request.inputs[0];
  const TensorDesc& output = request.outputs[0];
  const std::size_t fresh = output.dims.size() - input.dims.size();
  const std::vector<std::ptrdiff_t> steps = elementSteps(input);
  IndexMap map;
  for (const std::size_t axis : axesInMemory(output.dims.size(), output.layout)) {
    if (axis < fresh) {
      map.append(output.dims[axis], 0);
      continue;
    }
    const DimSize_t extent = input.dims[axis - fresh];
    map.append(extent == 0 ? 0 : output.dims[axis] / extent, 0);
    map.append(extent, steps[axis - fresh]);
  }
  return createStridedCopy(name, {std::move(map)}, input.dtype);
}

/// A reordering of the parts of axes: `parts` says into what the input's axes are cut, `order` how these parts follow each other in the output.
struct Parts {
  Dims extents;
  std::vector<std::size_t> order;
};

/// For each axis the range of consecutive parts that it consists of; parts of extent 1 may belong to any.
std::vector<std::pair<std::size_t, std::size_t>> partsOfAxes(const Dims& dims, const Dims& parts) {
  std::vector<std::pair<std::size_t, std::size_t>> ranges;
  std::size_t next = 0;
  for (const DimSize_t extent : dims) {
    const std::size_t first = next;
    for (DimSize_t product = 1; product < extent && next < parts.size();) product *= parts[next++];
    ranges.emplace_back(first, next);
  }
  return ranges;
}

IndexMap rearrangement(const Parts& parts, const TensorDesc& input, const TensorDesc& output) {
  const std::vector<std::ptrdiff_t> axisSteps = elementSteps(input);
  std::vector<std::ptrdiff_t> steps(parts.extents.size(), 0);
  const auto ofInput = partsOfAxes(input.dims, parts.extents);
  for (std::size_t axis = 0; axis < ofInput.size(); ++axis) {
    std::ptrdiff_t step = axisSteps[axis];
    for (std::size_t part = ofInput[axis].second; part-- > ofInput[axis].first;) {
      steps[part] = step;
      step *= parts.extents[part];
    }
  }
  Dims ordered;
  for (const std::size_t part : parts.order) ordered.push_back(parts.extents[part]);
  const auto ofOutput = partsOfAxes(output.dims, ordered);
  IndexMap map;
  for (const std::size_t axis : axesInMemory(output.dims.size(), output.layout)) {
    for (std::size_t i = ofOutput[axis].first; i < ofOutput[axis].second; ++i) map.append(ordered[i], steps[parts.order[i]]);
  }
  if (output.elements() == 0) map.total = 0;
  return map;
}

Parts depthToSpaceParts(const Operator& op, const Dims& in) {
  const std::int64_t b = op.attribute<std::int64_t>("blocksize");
  const DimSize_t channels = in[1] / (b * b);
  if (op.attribute<std::string>("mode") == "DCR") return {{in[0], b, b, channels, in[2], in[3]}, {0, 3, 4, 1, 5, 2}};
  return {{in[0], channels, b, b, in[2], in[3]}, {0, 1, 4, 2, 5, 3}};
}

Parts spaceToDepthParts(const Operator& op, const Dims& in) {
  const std::int64_t b = op.attribute<std::int64_t>("blocksize");
  return {{in[0], in[1], in[2] / b, b, in[3] / b, b}, {0, 3, 5, 1, 2, 4}};
}

std::unique_ptr<Kernel> createBlocks(const KernelRequest& request, Parts (*partsOf)(const Operator&, const Dims&)) {
  const Parts parts = partsOf(*request.op, request.inputs[0].dims);
  return createStridedCopy("loop_rearrange", {rearrangement(parts, request.inputs[0], request.outputs[0])}, request.inputs[0].dtype);
}

/// Attributes as the planner sets them: `parts` without the first axis, which stays, and `order` of all.
std::unique_ptr<Kernel> createRearrange(const KernelRequest& request) {
  const auto& order = request.op->attribute<std::vector<std::int64_t>>("order");
  Parts parts{{request.inputs[0].dims[0]}, {order.begin(), order.end()}};
  const auto& rest = request.op->attribute<std::vector<std::int64_t>>("parts");
  parts.extents.insert(parts.extents.end(), rest.begin(), rest.end());
  return createStridedCopy("loop_rearrange", {rearrangement(parts, request.inputs[0], request.outputs[0])}, request.inputs[0].dtype);
}

bool addSlicingKernels() {
  const auto add = [](const std::string& type, auto create) {
    KernelFactory factory;
    factory.layout = LayoutRule::SameAsInput;
    factory.create = create;
    KernelRegistry::add("cpu", type, std::move(factory));
  };
  add("Slice", createSlice);
  add("Split", createSplit);
  add("Expand", [](const KernelRequest& request) { return createRepeat(request, "loop_expand"); });
  add("Tile", [](const KernelRequest& request) { return createRepeat(request, "loop_tile"); });
  add("DepthToSpace", [](const KernelRequest& request) { return createBlocks(request, depthToSpaceParts); });
  add("SpaceToDepth", [](const KernelRequest& request) { return createBlocks(request, spaceToDepthParts); });
  KernelFactory rearrange;
  rearrange.layout = LayoutRule::AnyOrder;
  rearrange.keepsChannels = [](const Operator& op) { return op.attribute<bool>("keeps_channels"); };
  rearrange.create = createRearrange;
  return KernelRegistry::add("cpu", "Rearrange", std::move(rearrange));
}

[[maybe_unused]] const bool kSlicingRegistered = addSlicingKernels();

}  // namespace

}  // namespace Aidge::cpu
