#include "aidge/operator/Indexing.hpp"

#include <algorithm>
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

void requireIndices(const Operator& op, Inputs inputs) {
  const DataType type = inputs[1].dtype;
  if (type != DataType::Int32 && type != DataType::Int64) {
    throwExpected(errorSite(op), "indices of type int32 or int64", std::string(toString(type)));
  }
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

std::vector<TensorInfo> inferGather(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireIndices(op, inputs);
  const Dims& data = inputs[0].dims;
  const auto axis =
      data.begin() + static_cast<std::ptrdiff_t>(normaliseAxis(errorSite(op), op.attribute<std::int64_t>("axis"), data.size()));
  Dims dims(data.begin(), axis);
  dims.insert(dims.end(), inputs[1].dims.begin(), inputs[1].dims.end());
  dims.insert(dims.end(), axis + 1, data.end());
  return result(std::move(dims), inputs[0].dtype);
}

/// Indices that lie within the data on all axes but the given one.
void requireInside(const Operator& op, Inputs inputs, DimIdx_t axis) {
  requireRank(op, inputs, 1, inputs[0].dims.size());
  for (std::size_t i = 0; i < inputs[0].dims.size(); ++i) {
    if (i == axis || inputs[1].dims[i] <= inputs[0].dims[i]) continue;
    throwExpected(errorSite(op),
                  "indices that are no bigger than the data " + toString(inputs[0].dims) + " off axis " + std::to_string(axis),
                  toString(inputs[1].dims));
  }
}

std::vector<TensorInfo> inferGatherElements(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireIndices(op, inputs);
  requireInside(op, inputs, normaliseAxis(errorSite(op), op.attribute<std::int64_t>("axis"), inputs[0].dims.size()));
  return result(inputs[1].dims, inputs[0].dtype);
}

/// Dims of what a tuple of indices stands for, after `shared` axes; throws where the tuples are too long.
Dims sliceDims(const Operator& op, Inputs inputs, std::size_t shared) {
  requireRankAtLeast(op, inputs, 1, shared + 1);
  const Dims& data = inputs[0].dims;
  const DimSize_t length = inputs[1].dims.back();
  if (data.size() < shared || length < 1 || length > static_cast<DimSize_t>(data.size() - shared)) {
    throwExpected(errorSite(op),
                  "tuples of 1 to " + std::to_string(data.size() - std::min(shared, data.size())) + " indices into " + toString(data),
                  std::to_string(length));
  }
  return Dims(data.begin() + static_cast<std::ptrdiff_t>(shared) + length, data.end());
}

std::vector<TensorInfo> inferGatherND(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireIndices(op, inputs);
  const auto shared = static_cast<std::size_t>(op.attribute<std::int64_t>("batch_dims"));
  const Dims rest = sliceDims(op, inputs, shared);
  const Dims& indices = inputs[1].dims;
  if (!std::equal(indices.begin(), indices.begin() + static_cast<std::ptrdiff_t>(shared), inputs[0].dims.begin())) {
    throwExpected(errorSite(op), "indices that share the first " + std::to_string(shared) + " dims of " + toString(inputs[0].dims),
                  toString(indices));
  }
  Dims dims(indices.begin(), indices.end() - 1);
  dims.insert(dims.end(), rest.begin(), rest.end());
  return result(std::move(dims), inputs[0].dtype);
}

void requireUpdates(const Operator& op, Inputs inputs, const Dims& dims) {
  requireDims(op, inputs, 2, dims);
  if (inputs[2].dtype != inputs[0].dtype) {
    throwExpected(errorSite(op), "updates of the data's type (" + std::string(toString(inputs[0].dtype)) + ")",
                  std::string(toString(inputs[2].dtype)));
  }
}

std::vector<TensorInfo> inferScatterElements(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireIndices(op, inputs);
  requireInside(op, inputs, normaliseAxis(errorSite(op), op.attribute<std::int64_t>("axis"), inputs[0].dims.size()));
  requireUpdates(op, inputs, inputs[1].dims);
  return result(inputs[0].dims, inputs[0].dtype);
}

std::vector<TensorInfo> inferScatterND(const Operator& op, Inputs inputs) {
  checkInputs(op, inputs);
  requireIndices(op, inputs);
  const Dims rest = sliceDims(op, inputs, 0);
  Dims updates(inputs[1].dims.begin(), inputs[1].dims.end() - 1);
  updates.insert(updates.end(), rest.begin(), rest.end());
  requireUpdates(op, inputs, updates);
  return result(inputs[0].dims, inputs[0].dtype);
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

void validateReduction(const Operator& op) {
  static constexpr std::array<std::string_view, 5> kReductions{"none", "add", "mul", "max", "min"};
  requireOneOf(op, "reduction", kReductions);
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

using Infer = std::vector<TensorInfo> (*)(const Operator&, Inputs);

bool addIndexing(std::string type, std::string brief, AttributeMap attributes, Infer infer, bool updates) {
  OperatorSchema schema;
  schema.type = std::move(type);
  schema.brief = std::move(brief);
  schema.inputs = {{"data", InputCategory::Data, kAllTypes}, {"indices", InputCategory::Data, kIndexTypes}};
  if (updates) schema.inputs.push_back({"updates", InputCategory::Data, kAllTypes});
  schema.attributes = std::move(attributes);
  schema.infer = infer;
  schema.traits = opaqueTraits(updates ? "which changes values at given indices" : "which picks values by their indices");
  if (schema.attributes.contains("reduction")) schema.validate = validateReduction;
  if (schema.attributes.contains("batch_dims")) schema.validate = [](const Operator& op) { requireInt(op, "batch_dims", 0, 64); };
  return OperatorRegistry::add(std::move(schema));
}

[[maybe_unused]] const bool kRegistered =
    addSlicing() &&
    addIndexing("Gather", "Slices of the data at the indices of an axis.", {{"axis", std::int64_t{0}}}, inferGather, false) &&
    addIndexing("GatherElements", "The elements of the data at the indices of an axis, one an index.", {{"axis", std::int64_t{0}}},
                inferGatherElements, false) &&
    addIndexing("GatherND", "The data at tuples of indices.", {{"batch_dims", std::int64_t{0}}}, inferGatherND, false) &&
    addIndexing("ScatterElements", "The data with updates at the indices of an axis, one an index.",
                {{"axis", std::int64_t{0}}, {"reduction", std::string("none")}}, inferScatterElements, true) &&
    addIndexing("ScatterND", "The data with updates at tuples of indices.", {{"reduction", std::string("none")}}, inferScatterND, true);

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

NodePtr Slice(const std::vector<std::int64_t>& starts, const std::vector<std::int64_t>& ends, const std::vector<std::int64_t>& axes,
              const std::vector<std::int64_t>& steps, const std::string& name) {
  return makeNode("Slice", {{"starts", starts}, {"ends", ends}, {"axes", axes}, {"steps", steps}}, name);
}

NodePtr Split(IOIndex_t nbOutputs, std::int64_t axis, const std::vector<std::int64_t>& split, const std::string& name) {
  return makeNode("Split", {{"axis", axis}, {"split", split}, {"num_outputs", static_cast<std::int64_t>(nbOutputs)}}, name);
}

NodePtr Gather(std::int64_t axis, const std::string& name) { return makeNode("Gather", {{"axis", axis}}, name); }

NodePtr GatherElements(std::int64_t axis, const std::string& name) { return makeNode("GatherElements", {{"axis", axis}}, name); }

NodePtr GatherND(std::int64_t batchDims, const std::string& name) { return makeNode("GatherND", {{"batch_dims", batchDims}}, name); }

NodePtr ScatterElements(std::int64_t axis, const std::string& reduction, const std::string& name) {
  return makeNode("ScatterElements", {{"axis", axis}, {"reduction", reduction}}, name);
}

NodePtr ScatterND(const std::string& reduction, const std::string& name) { return makeNode("ScatterND", {{"reduction", reduction}}, name); }

}  // namespace Aidge
