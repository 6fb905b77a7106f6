#include "aidge/operator/Slicing.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "SchemaUtils.hpp"

namespace Aidge {
namespace {

using namespace detail;

/// One bound of a slice as a place in [low, high].
DimSize_t clampBound(std::int64_t bound, DimSize_t extent, DimSize_t low, DimSize_t high) {
  return std::clamp(bound < 0 ? bound + extent : bound, low, high);
}

SliceRange rangeOf(std::int64_t start, std::int64_t end, std::int64_t step, DimSize_t extent) {
  step = std::max(step, -std::numeric_limits<std::int64_t>::max());
  SliceRange range{0, step, 0};
  if (extent == 0) return range;
  if (step > 0) {
    range.start = clampBound(start, extent, 0, extent);
    const DimSize_t length = clampBound(end, extent, 0, extent) - range.start;
    range.extent = length > 0 ? (length - 1) / step + 1 : 0;
  } else {
    range.start = clampBound(start, extent, 0, extent - 1);
    const DimSize_t length = range.start - clampBound(end, extent, -1, extent - 1);
    range.extent = length > 0 ? (length - 1) / -step + 1 : 0;
  }
  return range;
}

std::vector<TensorInfo> inferSlice(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  Dims dims;
  for (const SliceRange& range : resolveSlice(op, inputs)) dims.push_back(range.extent);
  return result(std::move(dims), inputs[0].dtype);
}

std::vector<TensorInfo> inferSplit(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  const DimIdx_t axis = normaliseAxis(errorSite(op), op.attribute<std::int64_t>("axis"), inputs[0].dims.size());
  std::vector<TensorInfo> infos;
  for (const DimSize_t extent : resolveSplit(op, inputs)) {
    infos.push_back({inputs[0].dims, inputs[0].dtype, nullptr});
    infos.back().dims[axis] = extent;
  }
  return infos;
}

void validateSplit(const Operator& op) {
  constexpr std::int64_t kMostOutputs = 65536;
  const Ints& split = op.attribute<Ints>("split");
  requireList(op, "split", split.size(), 0, std::numeric_limits<std::int64_t>::max());
  if (split.empty()) return requireInt(op, "num_outputs", 1, kMostOutputs);
  const std::int64_t count = op.attribute<std::int64_t>("num_outputs");
  if (count > 1 && count != static_cast<std::int64_t>(split.size())) {
    throwExpected(errorSite(op), "num_outputs to be the number of parts in split, " + std::to_string(split.size()), std::to_string(count));
  }
}

/// All samples, in their order.
bool takesWholeBatch(const Operator& op, Inputs inputs) {
  const SliceRange range = resolveSlice(op, inputs)[0];
  return range.start == 0 && range.step == 1 && range.extent == inputs[0].dims[0];
}

bool addSlicing() {
  OperatorSchema slice;
  slice.type = "Slice";
  slice.brief = "Part of the data along some axes: data[start:end:step] on each, as NumPy has it.";
  slice.inputs = {{"data", InputCategory::Data, kAllTypes}};
  slice.extraInputs = {"starts", "ends", "axes", "steps"};
  slice.attributes = {{"starts", Ints{}}, {"ends", Ints{}}, {"axes", Ints{}}, {"steps", Ints{}}};
  slice.infer = inferSlice;
  slice.traits = traitsOf(Role::Other, BatchRule::PerSample, ChannelRule::Slice);
  slice.traits.batch.holds = takesWholeBatch;
  OperatorSchema split;
  split.type = "Split";
  split.brief = "The data cut along an axis into parts of the extents `split`, or into num_outputs equal ones.";
  split.inputs = {{"data", InputCategory::Data, kAllTypes}};
  split.extraInputs = {"split"};
  split.attributes = {{"axis", std::int64_t{0}}, {"split", Ints{}}, {"num_outputs", std::int64_t{1}}};
  split.outputCount = [](const Operator& op) {
    const std::size_t parts = op.attribute<Ints>("split").size();
    return parts > 0 ? parts : static_cast<IOIndex_t>(op.attribute<std::int64_t>("num_outputs"));
  };
  split.validate = validateSplit;
  split.infer = inferSplit;
  split.traits = traitsOf(Role::Other, BatchRule::PerSample, ChannelRule::Split);
  split.traits.batch.holds = sparesBatch;
  return OperatorRegistry::add(std::move(slice)) && OperatorRegistry::add(std::move(split));
}

std::vector<TensorInfo> inferExpand(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  const Ints shape = listArgument(op, inputs, 1);
  requireEntries(op, "shape", shape, shape.size(), 0, std::numeric_limits<std::int64_t>::max());
  return result(broadcastDims(errorSite(op), inputs[0].dims, shape), inputs[0].dtype);
}

std::vector<TensorInfo> inferTile(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  Dims dims = inputs[0].dims;
  const Ints repeats = listArgument(op, inputs, 1);
  requireEntries(op, "repeats", repeats, dims.size(), 0, std::numeric_limits<std::int64_t>::max());
  for (std::size_t axis = 0; axis < dims.size(); ++axis) dims[axis] = checkedMul(errorSite(op), dims[axis], repeats[axis]);
  return result(std::move(dims), inputs[0].dtype);
}

bool addRepeat(std::string type, std::string brief, const std::string& counts, InferFunction infer) {
  OperatorSchema schema;
  schema.type = std::move(type);
  schema.brief = std::move(brief);
  schema.inputs = {{"data", InputCategory::Data, kAllTypes}};
  schema.extraInputs = {counts};
  schema.attributes = {{counts, Ints{}}};
  schema.infer = infer;
  schema.traits = traitsOf(Role::Other, BatchRule::Whole, ChannelRule::Repeat);
  return OperatorRegistry::add(std::move(schema));
}

bool addRepeats() {
  return addRepeat("Expand", "The data repeated to the dims that it and `shape` broadcast to.", "shape", inferExpand) &&
         addRepeat("Tile", "The data put side by side repeats[i] times along axis i.", "repeats", inferTile);
}

Dims spatialBlock(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireRank(op, inputs, 0, 4);
  return inputs[0].dims;
}

[[noreturn]] void throwBlocks(const Operator& op, const std::string& what, const Dims& dims) {
  throwExpected(errorSite(op), what + " that " + std::to_string(op.attribute<std::int64_t>("blocksize")) + " divides", toString(dims));
}

std::vector<TensorInfo> inferDepthToSpace(const Operator& op, Inputs inputs) {
  Dims dims = spatialBlock(op, inputs);
  const std::int64_t block = op.attribute<std::int64_t>("blocksize");
  if (dims[1] % (block * block) != 0) throwBlocks(op, "channels, twice over,", dims);
  dims[1] /= block * block;
  dims[2] = checkedMul(errorSite(op), dims[2], block);
  dims[3] = checkedMul(errorSite(op), dims[3], block);
  return result(std::move(dims), inputs[0].dtype);
}

std::vector<TensorInfo> inferSpaceToDepth(const Operator& op, Inputs inputs) {
  Dims dims = spatialBlock(op, inputs);
  const std::int64_t block = op.attribute<std::int64_t>("blocksize");
  if (dims[2] % block != 0 || dims[3] % block != 0) throwBlocks(op, "spatial extents", dims);
  dims[1] = checkedMul(errorSite(op), dims[1], block * block);
  dims[2] /= block;
  dims[3] /= block;
  return result(std::move(dims), inputs[0].dtype);
}

bool addBlocks(bool toSpace) {
  OperatorSchema schema;
  schema.type = toSpace ? "DepthToSpace" : "SpaceToDepth";
  schema.brief = toSpace ? "Moves blocks of channels to space: (N, C, H, W) to (N, C / b², H·b, W·b)."
                         : "Moves blocks of space to channels: (N, C, H, W) to (N, C·b², H/b, W/b).";
  schema.inputs = {{"data", InputCategory::Data, kAllTypes}};
  schema.attributes = {{"blocksize", std::int64_t{1}}};
  if (toSpace) schema.attributes.emplace("mode", std::string("DCR"));
  schema.validate = [toSpace](const Operator& op) {
    static constexpr std::array<std::string_view, 2> kModes{"DCR", "CRD"};
    constexpr std::int64_t kMostBlock = 32768;
    requireInt(op, "blocksize", 1, kMostBlock);
    if (toSpace) requireOneOf(op, "mode", kModes);
  };
  schema.infer = toSpace ? inferDepthToSpace : inferSpaceToDepth;
  schema.traits = traitsOf(Role::Other, BatchRule::PerSample, toSpace ? ChannelRule::DepthToSpace : ChannelRule::SpaceToDepth);
  return OperatorRegistry::add(std::move(schema));
}

[[maybe_unused]] const bool kSlicingRegistered = addSlicing() && addRepeats() && addBlocks(true) && addBlocks(false);

}  // namespace

std::vector<SliceRange> resolveSlice(const Operator& op, std::span<const TensorInfo> inputs) {
  const std::string site = errorSite(op);
  const Dims& dims = inputs[0].dims;
  const Ints starts = listArgument(op, inputs, 1);
  const Ints ends = listArgument(op, inputs, 2);
  Ints axes = listArgument(op, inputs, 3);
  Ints steps = listArgument(op, inputs, 4);
  if (axes.empty()) {
    axes.resize(starts.size());
    std::iota(axes.begin(), axes.end(), std::int64_t{0});
  }
  if (steps.empty()) steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size()) {
    throwExpected(site, "starts, ends, axes and steps of one length",
                  listText(starts) + ", " + listText(ends) + ", " + listText(axes) + " and " + listText(steps));
  }
  if (std::find(steps.begin(), steps.end(), 0) != steps.end()) throwExpected(site, "steps other than 0", listText(steps));
  std::vector<SliceRange> ranges;
  for (const DimSize_t extent : dims) ranges.push_back({0, 1, extent});
  const std::vector<DimIdx_t> targets = normaliseAxes(site, axes, dims.size());
  for (std::size_t i = 0; i < targets.size(); ++i) ranges[targets[i]] = rangeOf(starts[i], ends[i], steps[i], dims[targets[i]]);
  return ranges;
}

Dims resolveSplit(const Operator& op, std::span<const TensorInfo> inputs) {
  const std::string site = errorSite(op);
  const DimSize_t extent = inputs[0].dims[normaliseAxis(site, op.attribute<std::int64_t>("axis"), inputs[0].dims.size())];
  Dims parts = listArgument(op, inputs, 1);
  const auto count = static_cast<DimSize_t>(op.nbOutputs());
  if (parts.empty()) {
    const DimSize_t whole = (extent + count - 1) / count;
    parts.assign(op.nbOutputs(), whole);
    parts.back() = extent - whole * (count - 1);
  }
  DimSize_t total = 0;
  bool fits = parts.size() == op.nbOutputs();
  for (const DimSize_t part : parts) {
    fits = fits && part >= 0 && part <= extent - total;
    total += fits ? part : 0;
  }
  if (!fits || total != extent) {
    throwExpected(site, std::to_string(count) + " parts that add up to the extent " + std::to_string(extent), listText(parts));
  }
  return parts;
}

}  // namespace Aidge
