#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <vector>

#include "aidge/core/Types.hpp"
#include "aidge/data/Tensor.hpp"

namespace Aidge::python {

/// A dtype argument: a member of aidge_core.dtype, or what numpy.dtype() or torch means by one.
struct DataTypeLike { DataType value = DataType::Float32; };

/// Throws std::invalid_argument where `object` means no type that a Tensor can hold.
[[nodiscard]] DataType dataTypeFromPython(pybind11::handle object);
/// NumPy's dtype object; that of bfloat16 comes from the package ml_dtypes.
[[nodiscard]] pybind11::dtype numpyDtype(DataType type);

/// A Tensor over a Python value. Without copying: a Tensor, a C-contiguous NumPy array of native byte order, and whatever
/// exports such memory by DLPack (torch) or the array protocols. Copied: everything else; Python's own floats become float32.
/// Throws std::invalid_argument where the value is no array of a supported type.
[[nodiscard]] Tensor tensorFromPython(pybind11::handle value);
/// One Tensor an entry of a sequence.
[[nodiscard]] std::vector<Tensor> tensorsFromPython(const pybind11::sequence& values);
/// A NumPy view that keeps the memory alive; read-only where the tensor is. Throws std::invalid_argument where there is no data.
[[nodiscard]] pybind11::array tensorToNumpy(const Tensor& tensor);
/// The same memory, not writable: what Python sees of a producer's value.
[[nodiscard]] Tensor readOnlyView(const Tensor& tensor);

}  // namespace Aidge::python

namespace pybind11::detail {

template <> struct type_caster<Aidge::python::DataTypeLike> {
  PYBIND11_TYPE_CASTER(Aidge::python::DataTypeLike, const_name("dtype | numpy.typing.DTypeLike"));
  bool load(handle source, bool /*convert*/) {
    if (!source || source.is_none()) return false;
    value.value = Aidge::python::dataTypeFromPython(source);
    return true;
  }
  static handle cast(Aidge::python::DataTypeLike source, return_value_policy /*policy*/, handle /*parent*/) {
    return pybind11::cast(source.value).release();
  }
};

}  // namespace pybind11::detail
