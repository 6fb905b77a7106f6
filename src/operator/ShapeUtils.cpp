#include "aidge/operator/ShapeUtils.hpp"

#include <algorithm>

#include "aidge/core/Errors.hpp"

namespace Aidge {

std::string errorSite(const Operator& op) { return "operator::" + op.type(); }

std::string listText(std::span<const std::int64_t> values) {
  std::string text = "[";
  for (std::size_t i = 0; i < values.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(values[i]);
  return text + "]";
}

std::vector<std::int64_t> listArgument(const Operator& op, std::span<const TensorInfo> inputs, std::size_t index) {
  const std::string& name = op.schema()->extraInputs[index - op.schema()->inputs.size()];
  const bool connected = index < inputs.size() && !inputs[index].missing;
  if (!connected) return op.attribute<std::vector<std::int64_t>>(name);
  const TensorInfo& input = inputs[index];
  if (input.dims.size() > 1 || (input.dtype != DataType::Int32 && input.dtype != DataType::Int64)) {
    throwExpected(errorSite(op), name + " as a list of int32 or int64", std::string(toString(input.dtype)) + " " + toString(input.dims));
  }
  if (input.value == nullptr) {
    throw DataDependentError("[" + errorSite(op) + "] expected " + name +
                             " that are known before run time (constant, or computed from dims), got values that are not");
  }
  return input.value->toInts();
}

std::int64_t checkedMul(std::string_view site, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) {
    throwExpected(site, "extents whose product fits 64 bits", std::to_string(a) + " * " + std::to_string(b));
  }
  return result;
}

std::int64_t checkedAdd(std::string_view site, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) {
    throwExpected(site, "extents whose sum fits 64 bits", std::to_string(a) + " + " + std::to_string(b));
  }
  return result;
}

DimIdx_t normaliseAxis(std::string_view site, std::int64_t axis, std::size_t rank) {
  const auto signedRank = static_cast<std::int64_t>(rank);
  if (axis < -signedRank || axis >= signedRank) {
    throwExpected(site, "an axis in [" + std::to_string(-signedRank) + ", " + std::to_string(signedRank) + ")", std::to_string(axis));
  }
  return static_cast<DimIdx_t>(axis < 0 ? axis + signedRank : axis);
}

std::vector<DimIdx_t> normaliseAxes(std::string_view site, std::span<const std::int64_t> axes, std::size_t rank) {
  std::vector<DimIdx_t> result;
  std::vector<bool> seen(rank, false);
  for (const std::int64_t axis : axes) {
    const DimIdx_t index = normaliseAxis(site, axis, rank);
    if (seen[index]) throwExpected(site, "axes that are all different", listText(axes));
    seen[index] = true;
    result.push_back(index);
  }
  return result;
}

Dims broadcastDims(std::string_view site, const Dims& a, const Dims& b) {
  Dims result(std::max(a.size(), b.size()), 1);
  const auto place = [&result](const Dims& dims) { return static_cast<std::ptrdiff_t>(result.size() - dims.size()); };
  std::copy(a.begin(), a.end(), result.begin() + place(a));
  for (std::size_t i = 0; i < b.size(); ++i) {
    DimSize_t& extent = result[static_cast<std::size_t>(place(b)) + i];
    if (extent == 1) {
      extent = b[i];
    } else if (b[i] != 1 && b[i] != extent) {
      throwExpected(site, "dims that can be broadcast to each other", toString(a) + " and " + toString(b));
    }
  }
  return result;
}

bool isBroadcastableTo(const Dims& from, const Dims& to) {
  if (from.size() > to.size()) return false;
  return std::equal(from.rbegin(), from.rend(), to.rbegin(), [](DimSize_t f, DimSize_t t) { return f == 1 || f == t; });
}

AxisPads resolvePads(const Operator& op, const std::vector<std::int64_t>& pads, std::size_t rank) {
  const auto& axes = op.attribute<std::vector<std::int64_t>>("axes");
  const std::string site = errorSite(op);
  std::vector<DimIdx_t> targets = normaliseAxes(site, axes, rank);
  if (axes.empty()) {
    for (DimIdx_t axis = 0; axis < rank; ++axis) targets.push_back(axis);
  }
  if (pads.size() != 2 * targets.size()) {
    throwExpected(site, "pads with 2 entries for each of " + std::to_string(targets.size()) + " axes", listText(pads));
  }
  AxisPads result{Dims(rank, 0), Dims(rank, 0)};
  for (std::size_t i = 0; i < targets.size(); ++i) {
    result.begin[targets[i]] = pads[i];
    result.end[targets[i]] = pads[targets.size() + i];
  }
  return result;
}

namespace {

/// Fills in the one -1 of a Reshape's shape.
void inferMissingExtent(const std::string& site, const Dims& inputDims, Dims& dims, std::size_t missing) {
  dims[missing] = 1;
  const auto wanted = static_cast<DimSize_t>(elementCount(inputDims));
  const auto known = static_cast<DimSize_t>(elementCount(dims));
  if (known == 0 || wanted % known != 0) {
    dims[missing] = kDynamicDim;
    throwExpected(site, "a shape that " + std::to_string(wanted) + " elements of " + toString(inputDims) + " fit", listText(dims));
  }
  dims[missing] = wanted / known;
}

}  // namespace

Dims resolveReshape(const Operator& op, Dims dims, const Dims& inputDims) {
  const std::string site = errorSite(op);
  const bool allowZero = op.attribute<bool>("allowzero");
  if (std::any_of(dims.begin(), dims.end(), [](DimSize_t dim) { return dim < -1; }) || std::count(dims.begin(), dims.end(), -1) > 1) {
    throwExpected(site, "a shape of extents that are not negative, with at most one -1", listText(dims));
  }
  std::size_t missing = dims.size();
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == -1) missing = i;
    if (dims[i] != 0 || allowZero) continue;
    if (i >= inputDims.size()) {
      throwExpected(site, "a shape whose 0 stands at an axis of the data " + toString(inputDims), listText(dims));
    }
    dims[i] = inputDims[i];
  }
  if (missing < dims.size()) inferMissingExtent(site, inputDims, dims, missing);
  if (elementCount(dims) != elementCount(inputDims)) {
    throwExpected(site, "a shape of " + std::to_string(elementCount(inputDims)) + " elements for data " + toString(inputDims),
                  toString(dims));
  }
  return dims;
}

std::vector<DimIdx_t> resolvePermutation(const Operator& op, std::size_t rank) {
  const auto& order = op.attribute<std::vector<std::int64_t>>("output_dims_order");
  std::vector<DimIdx_t> result;
  if (order.empty()) {
    for (DimIdx_t axis = rank; axis > 0; --axis) result.push_back(axis - 1);
    return result;
  }
  if (order.size() != rank) {
    throwExpected(errorSite(op), "output_dims_order with " + std::to_string(rank) + " entries", listText(order));
  }
  return normaliseAxes(errorSite(op), order, rank);
}

std::vector<DimIdx_t> resolveReducedAxes(const Operator& op, std::size_t rank) {
  const auto& axes = op.attribute<std::vector<std::int64_t>>("axes");
  std::vector<DimIdx_t> result = normaliseAxes(errorSite(op), axes, rank);
  if (axes.empty() && !op.attribute<bool>("noop_with_empty_axes")) {
    for (DimIdx_t axis = 0; axis < rank; ++axis) result.push_back(axis);
  }
  std::sort(result.begin(), result.end());
  return result;
}

}  // namespace Aidge
