#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "GraphTypes.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/fibnlr/ConvolutionHelpers.hpp"
#include "init.hpp"

namespace py = pybind11;

namespace Aidge::python {
namespace {

using Sizes = std::vector<DimSize_t>;

/// Calls `function` with the number of dimensions, 1 to 3, as a compile-time constant.
template <typename F> auto withDim(DimIdx_t dim, F function) {
  switch (dim) {
    case 1:
      return function(std::integral_constant<DimIdx_t, 1>{});
    case 2:
      return function(std::integral_constant<DimIdx_t, 2>{});
    case 3:
      return function(std::integral_constant<DimIdx_t, 3>{});
    default:
      throwExpected("fibnlr::convolution", "1 to 3 dimensions", std::to_string(dim));
  }
}

/// Dimensions of a convolution; throws where it is none.
DimIdx_t dimOf(const NodePtr& node) {
  if (!fibnlr::isConv(node)) throwExpected("fibnlr::convolution", "a Conv1D, Conv2D or Conv3D", node->describe());
  return static_cast<DimIdx_t>(node->type()[4] - '0');
}

template <DimIdx_t DIM> std::array<DimSize_t, DIM> toExtents(const Sizes& values) {
  if (values.size() != DIM)
    throwExpected("fibnlr::convolution", "lists of one length", std::to_string(DIM) + " and " + std::to_string(values.size()));
  std::array<DimSize_t, DIM> result;
  std::copy(values.begin(), values.end(), result.begin());
  return result;
}

template <std::size_t N> Sizes toList(const std::array<DimSize_t, N>& values) { return Sizes(values.begin(), values.end()); }

Sizes computeKernelDims(const Sizes& a, const Sizes& b, const Sizes& strides) {
  return withDim(a.size(), [&](auto dim) {
    return toList(fibnlr::computeKernelDims<dim()>(toExtents<dim()>(a), toExtents<dim()>(b), toExtents<dim()>(strides)));
  });
}

Sizes computeKernelStrides(const Sizes& a, const Sizes& b) {
  return withDim(a.size(), [&](auto dim) { return toList(fibnlr::computeKernelStrides<dim()>(toExtents<dim()>(a), toExtents<dim()>(b))); });
}

std::optional<NodePtr> convFrom(const NodePtr& a, const NodePtr& b) {
  if (!fibnlr::isConv(a) || !fibnlr::isConv(b)) return std::nullopt;
  return withDim(dimOf(a), [&](auto dim) { return optional(fibnlr::convFrom<dim()>(a, b)); });
}

std::optional<NodePtr> mergeConv(const NodePtr& a, const NodePtr& b) {
  if (!fibnlr::isConv(a) || !fibnlr::isConv(b)) return std::nullopt;
  const py::gil_scoped_release release;
  return withDim(dimOf(a), [&](auto dim) { return optional(fibnlr::mergeConv<dim()>(a, b)); });
}

bool mergesExactly(const NodePtr& a, const NodePtr& b) {
  if (!fibnlr::isConv(a) || !fibnlr::isConv(b)) return false;
  return withDim(dimOf(a), [&](auto dim) { return fibnlr::mergesExactly<dim()>(a, b); });
}

}  // namespace

void bindConvolutionHelpers(py::module_& m) {
  m.def("fibnlr_is_conv", &fibnlr::isConv, py::arg("node"), "True if the node is a Conv1D, Conv2D or Conv3D.");
  m.def("fibnlr_is_tensor", &fibnlr::isTensor, py::arg("node"), "True if the node works on tensors: all but generic operators.");
  m.def("fibnlr_is_child_of", &fibnlr::isChildOf, py::arg("child"), py::arg("parent"), "True if `parent` feeds `child` directly.");
  m.def(
      "fibnlr_get_kernel_dims",
      [](const NodePtr& node) { return withDim(dimOf(node), [&](auto dim) { return toList(fibnlr::getKernelDims<dim()>(node)); }); },
      py::arg("node"), "Kernel extents of a convolution; ValueError for another node.");
  m.def(
      "fibnlr_get_kernel_strides",
      [](const NodePtr& node) { return withDim(dimOf(node), [&](auto dim) { return toList(fibnlr::getKernelStrides<dim()>(node)); }); },
      py::arg("node"), "Strides of a convolution; ValueError for another node.");
  m.def(
      "fibnlr_in_channels",
      [](const NodePtr& node) { return withDim(dimOf(node), [&](auto dim) { return fibnlr::inChannels<dim()>(node); }); }, py::arg("node"),
      "Channels that a convolution takes.");
  m.def(
      "fibnlr_out_channels",
      [](const NodePtr& node) { return withDim(dimOf(node), [&](auto dim) { return fibnlr::outChannels<dim()>(node); }); }, py::arg("node"),
      "Channels that a convolution gives.");
  m.def("fibnlr_compute_kernel_dims", &computeKernelDims, py::arg("a_dims"), py::arg("b_dims"), py::arg("b_strides"),
        "(k_a - 1) * s_b + k_b on every axis: the kernel of \"b feeds a\". For \"a feeds b\" pass b's dims, a's dims, a's strides.");
  m.def("fibnlr_compute_kernel_strides", &computeKernelStrides, py::arg("a_strides"), py::arg("b_strides"), "s_a * s_b on every axis.");
  m.def("fibnlr_conv_from", &convFrom, py::arg("a"), py::arg("b"),
        "A new, unconnected convolution without weights that stands for `a` followed by `b`, or None if they cannot merge.");
  m.def(
      "fibnlr_merge_conv", &mergeConv, py::arg("a"), py::arg("b"),
      "fibnlr_conv_from with the composed weight and bias. ValueError where a weight is no producer's. At the border it computes what the\n"
      "two do if fibnlr_merges_exactly.");
  m.def("fibnlr_merges_exactly", &mergesExactly, py::arg("a"), py::arg("b"),
        "Whether merging is exact at the border too, for images of every size.");
}

}  // namespace Aidge::python
