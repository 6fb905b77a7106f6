"""TensorProto to NumPy and back; nothing is allocated before the sizes have been found consistent."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from .errors import InvalidModelError

__all__ = [
    "DTYPE_NAMES",
    "byte_count",
    "check_tensor",
    "dtype_name",
    "element_count",
    "onnx_type_of",
    "to_numpy",
    "to_proto",
    "type_text",
]

_FIELDS = ("float_data", "int32_data", "string_data", "int64_data", "double_data", "uint64_data")
_BITS: dict[int, int] = {
    TensorProto.FLOAT: 32,
    TensorProto.UINT8: 8,
    TensorProto.INT8: 8,
    TensorProto.UINT16: 16,
    TensorProto.INT16: 16,
    TensorProto.INT32: 32,
    TensorProto.INT64: 64,
    TensorProto.BOOL: 8,
    TensorProto.FLOAT16: 16,
    TensorProto.DOUBLE: 64,
    TensorProto.UINT32: 32,
    TensorProto.UINT64: 64,
    TensorProto.COMPLEX64: 64,
    TensorProto.COMPLEX128: 128,
    TensorProto.BFLOAT16: 16,
    TensorProto.STRING: 0,
}
_NARROW = {
    "FLOAT8E4M3FN": 8,
    "FLOAT8E4M3FNUZ": 8,
    "FLOAT8E5M2": 8,
    "FLOAT8E5M2FNUZ": 8,
    "FLOAT8E8M0": 8,
    "UINT4": 4,
    "INT4": 4,
    "FLOAT4E2M1": 4,
    "UINT2": 2,
    "INT2": 2,
}
_BITS.update({value: _NARROW[name] for name, value in TensorProto.DataType.items() if name in _NARROW})

_TYPED_FIELD: dict[int, tuple[str, int]] = {
    TensorProto.FLOAT: ("float_data", 1),
    TensorProto.COMPLEX64: ("float_data", 2),
    TensorProto.DOUBLE: ("double_data", 1),
    TensorProto.COMPLEX128: ("double_data", 2),
    TensorProto.INT64: ("int64_data", 1),
    TensorProto.UINT32: ("uint64_data", 1),
    TensorProto.UINT64: ("uint64_data", 1),
    TensorProto.STRING: ("string_data", 1),
}

#: ONNX element types that a graph of this library can hold, and their NumPy names.
DTYPE_NAMES = {
    TensorProto.FLOAT: "float32",
    TensorProto.DOUBLE: "float64",
    TensorProto.FLOAT16: "float16",
    TensorProto.INT8: "int8",
    TensorProto.INT16: "int16",
    TensorProto.INT32: "int32",
    TensorProto.INT64: "int64",
    TensorProto.UINT8: "uint8",
    TensorProto.UINT16: "uint16",
    TensorProto.UINT32: "uint32",
    TensorProto.UINT64: "uint64",
    TensorProto.BOOL: "bool",
    TensorProto.BFLOAT16: "bfloat16",
}
_NAMES: dict[int, str] = {int(value): name for value, name in DTYPE_NAMES.items()}
_ONNX_TYPES = {name: value for value, name in _NAMES.items()}


def dtype_name(elem_type: int) -> str:
    """NumPy's name of an ONNX element type; KeyError if a graph cannot hold it."""
    return _NAMES[elem_type]


def type_text(elem_type: int) -> str:
    """For messages: NumPy's name of an ONNX element type, or ONNX's own where a graph cannot hold it."""
    return _NAMES.get(elem_type) or str(TensorProto.DataType.Name(elem_type)).lower()


def onnx_type_of(dtype: Any) -> int:
    """The ONNX element type of a NumPy dtype, or of a name; ValueError if a graph cannot hold it."""
    name = {"boolean": "bool"}.get(dtype, dtype) if isinstance(dtype, str) else str(np.dtype(dtype))
    if name not in _ONNX_TYPES:
        raise ValueError(f"[aidge_onnx.tensors] expected one of {', '.join(_ONNX_TYPES)}, got {name}")
    return int(_ONNX_TYPES[name])


def element_count(dims: Iterable[int], where: str) -> int:
    """Product of the dims; InvalidModelError on a negative dim or a product beyond 63 bits."""
    dims = list(dims)
    if any(dim < 0 for dim in dims):
        raise InvalidModelError(f"{where}: negative dimension in {dims}")
    if math.prod(dim for dim in dims if dim > 0) >= 1 << 62:
        raise InvalidModelError(f"{where}: the product of the dims {dims} overflows")
    return math.prod(dims)


def byte_count(tensor: TensorProto, where: str) -> int:
    """Bytes that the tensor's raw data must have; InvalidModelError on an unknown type or bad dims."""
    if tensor.data_type not in _BITS:
        raise InvalidModelError(f"{where}: unknown element type {tensor.data_type}")
    return (element_count(tensor.dims, where) * _BITS[tensor.data_type] + 7) // 8


def _typed_length(tensor: TensorProto, elements: int) -> tuple[str, int]:
    field, factor = _TYPED_FIELD.get(tensor.data_type, ("int32_data", 1))
    bits = _BITS[tensor.data_type]
    if 0 < bits < 8:
        return field, (elements * bits + 7) // 8
    return field, elements * factor


def check_tensor(tensor: TensorProto, where: str, external: bool = False) -> None:
    """Type, dims and the length of the data agree.

    External data is only looked at where `external` allows it.
    """
    needed = byte_count(tensor, where)
    filled = [field for field in _FIELDS if len(getattr(tensor, field))]
    if tensor.HasField("segment"):
        raise InvalidModelError(f"{where}: segmented tensors are not supported")
    if tensor.data_location == TensorProto.EXTERNAL:
        if not external:
            raise InvalidModelError(f"{where}: external data is not allowed here")
        if filled or tensor.HasField("raw_data") or tensor.data_type == TensorProto.STRING:
            raise InvalidModelError(f"{where}: external data beside data in the tensor itself")
        return
    if tensor.HasField("raw_data"):
        if filled or tensor.data_type == TensorProto.STRING:
            raise InvalidModelError(f"{where}: two stores of data")
        if len(tensor.raw_data) != needed:
            raise InvalidModelError(
                f"{where}: {len(tensor.raw_data)} bytes of data, but type and dims "
                f"{list(tensor.dims)} need {needed}"
            )
        return
    field, length = _typed_length(tensor, element_count(tensor.dims, where))
    if any(other != field for other in filled):
        raise InvalidModelError(f"{where}: data in {', '.join(filled)}, expected {field}")
    if len(getattr(tensor, field)) != length:
        raise InvalidModelError(
            f"{where}: {len(getattr(tensor, field))} values, but dims {list(tensor.dims)} need {length}"
        )


def to_numpy(tensor: TensorProto, where: str) -> np.ndarray[Any, Any]:
    """The checked tensor's values. InvalidModelError where NumPy cannot hold them."""
    check_tensor(tensor, where)
    try:
        return np.asarray(onnx.numpy_helper.to_array(tensor))
    except (ValueError, TypeError, OverflowError, KeyError, RuntimeError) as error:
        raise InvalidModelError(f"{where}: {error}") from error


def to_proto(array: np.ndarray[Any, Any], name: str, dims: Sequence[int] | None = None) -> TensorProto:
    """A TensorProto with raw little-endian data (`dims` in place of the array's own where given)."""
    proto = TensorProto(name=name, data_type=onnx_type_of(array.dtype))
    proto.dims.extend(array.shape if dims is None else dims)
    contiguous = np.ascontiguousarray(array)
    proto.raw_data = contiguous.astype(contiguous.dtype.newbyteorder("<"), copy=False).tobytes()
    return proto
