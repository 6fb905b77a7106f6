"""What constant subgraphs are made of, evaluated with NumPy; structural operators also work on symbolic
dimensions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import onnx
from onnx import TensorProto

from .source import OnnxNode
from .symbolic import as_array, is_symbolic

__all__ = ["evaluate"]

Array: TypeAlias = np.ndarray[Any, Any]
Inputs: TypeAlias = Sequence[Array | None]
_Rule: TypeAlias = Callable[[OnnxNode, Inputs, int], Array]


class NotFoldable(Exception):
    """The operator cannot be folded in this form and is kept in the graph."""


def _need(inputs: Inputs, index: int) -> Array:
    array = inputs[index] if index < len(inputs) else None
    if array is None:
        raise NotFoldable
    return array


def _ints(node: OnnxNode, inputs: Inputs, index: int, name: str) -> list[int] | None:
    """A list that is an attribute in old opsets and an input in new ones."""
    if name in node.attributes:
        return [int(value) for value in node.attributes[name]]
    if index < len(inputs) and inputs[index] is not None:
        return [int(value) for value in np.atleast_1d(_plain(_need(inputs, index)))]
    return None


def _plain(array: Array) -> Array:
    if is_symbolic(array):
        raise NotFoldable
    return array


def _dtype_of(code: int) -> Any:
    if code not in TensorProto.DataType.values() or code == TensorProto.STRING:
        raise NotFoldable
    return onnx.helper.tensor_dtype_to_np_dtype(code)


def _constant_of_shape(node: OnnxNode, inputs: Inputs, opset: int) -> Array:
    shape = tuple(int(value) for value in _plain(_need(inputs, 0)))
    value = node.attributes.get("value")
    fill = np.zeros(1, np.float32) if value is None else np.asarray(onnx.numpy_helper.to_array(value))
    return np.broadcast_to(fill.reshape(()), shape)


def _cast(node: OnnxNode, inputs: Inputs, opset: int) -> Array:
    array, dtype = _need(inputs, 0), _dtype_of(int(node.attributes["to"]))
    if is_symbolic(array):
        if dtype not in (np.dtype(np.int64), np.dtype(np.int32)):
            raise NotFoldable
        return array
    return array.astype(dtype)


def _gather(node: OnnxNode, inputs: Inputs, opset: int) -> Array:
    return np.take(
        _need(inputs, 0), _plain(_need(inputs, 1)).astype(np.int64), axis=int(node.attributes.get("axis", 0))
    )


def _slice(node: OnnxNode, inputs: Inputs, opset: int) -> Array:
    array = _need(inputs, 0)
    starts, ends = _ints(node, inputs, 1, "starts"), _ints(node, inputs, 2, "ends")
    if starts is None or ends is None:
        raise NotFoldable
    axes = _ints(node, inputs, 3, "axes") or list(range(len(starts)))
    steps = (_ints(node, inputs, 4, "steps") if opset >= 10 else None) or [1] * len(starts)
    slices = [slice(None)] * array.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        slices[axis] = slice(start, end, step)
    return array[tuple(slices)]


def _concat(node: OnnxNode, inputs: Inputs, opset: int) -> Array:
    return np.concatenate(
        [_need(inputs, index) for index in range(len(inputs))], axis=int(node.attributes["axis"])
    )


def _squeeze(node: OnnxNode, inputs: Inputs, opset: int) -> Array:
    axes = _ints(node, inputs, 1, "axes")
    return np.squeeze(_need(inputs, 0), None if axes is None else tuple(axes))


def _unsqueeze(node: OnnxNode, inputs: Inputs, opset: int) -> Array:
    axes = _ints(node, inputs, 1, "axes")
    if axes is None:
        raise NotFoldable
    return np.expand_dims(_need(inputs, 0), tuple(axes))


def _reshape(node: OnnxNode, inputs: Inputs, opset: int) -> Array:
    array, shape = _need(inputs, 0), [int(value) for value in _plain(_need(inputs, 1))]
    if not node.attributes.get("allowzero", 0):
        shape = [array.shape[index] if value == 0 else value for index, value in enumerate(shape)]
    return array.reshape(shape)


def _transpose(node: OnnxNode, inputs: Inputs, opset: int) -> Array:
    return np.transpose(_need(inputs, 0), node.attributes.get("perm"))


def _flatten(node: OnnxNode, inputs: Inputs, opset: int) -> Array:
    array, axis = _need(inputs, 0), int(node.attributes.get("axis", 1))
    axis = axis + array.ndim if axis < 0 else axis
    return array.reshape(math.prod(array.shape[:axis]), -1)


def _divide(node: OnnxNode, inputs: Inputs, opset: int) -> Array:
    left, right = _need(inputs, 0), _need(inputs, 1)
    if is_symbolic(left) or is_symbolic(right):
        return np.floor_divide(left, right)
    if np.issubdtype(left.dtype, np.integer):
        if not np.all(right):
            raise NotFoldable
        quotient = np.abs(left) // np.abs(right)
        return (quotient * np.sign(left) * np.sign(right)).astype(left.dtype)
    return left / right


def _reduce(function: Callable[..., Any], symbolic: bool = False) -> _Rule:
    def rule(node: OnnxNode, inputs: Inputs, opset: int) -> Array:
        array, axes = _need(inputs, 0), _ints(node, inputs, 1, "axes")
        if not symbolic:
            array = _plain(array)
        if not axes and node.attributes.get("noop_with_empty_axes", 0):
            return array
        where = tuple(axes) if axes else None
        result = np.asarray(function(array, axis=where, keepdims=bool(node.attributes.get("keepdims", 1))))
        return result.astype(array.dtype, copy=False)

    return rule


def _range(node: OnnxNode, inputs: Inputs, opset: int) -> Array:
    start, limit, delta = (_plain(_need(inputs, index)) for index in range(3))
    return np.arange(start.item(), limit.item(), delta.item(), dtype=start.dtype)


def _expand(node: OnnxNode, inputs: Inputs, opset: int) -> Array:
    array, shape = _need(inputs, 0), tuple(int(value) for value in _plain(_need(inputs, 1)))
    return np.broadcast_to(array, np.broadcast_shapes(array.shape, shape))


def _where(node: OnnxNode, inputs: Inputs, opset: int) -> Array:
    return np.asarray(np.where(_plain(_need(inputs, 0)), _need(inputs, 1), _need(inputs, 2)))


def _equal(node: OnnxNode, inputs: Inputs, opset: int) -> Array:
    left, right = np.broadcast_arrays(_need(inputs, 0), _need(inputs, 1))
    if not is_symbolic(left) and not is_symbolic(right):
        return np.asarray(np.equal(left, right))
    result = []
    for one, other in zip(left.flat, right.flat, strict=True):
        if isinstance(one, int | np.integer) and isinstance(other, int | np.integer):
            result.append(int(one) == int(other))
        elif any(isinstance(value, int | np.integer) and value < 0 for value in (one, other)):
            result.append(False)  # a dimension is never negative
        else:
            raise NotFoldable
    return np.asarray(result, dtype=bool).reshape(left.shape)


def _elementwise(function: Callable[..., Any], symbolic: bool = False, keep_type: bool = True) -> _Rule:
    def rule(node: OnnxNode, inputs: Inputs, opset: int) -> Array:
        arrays = [_need(inputs, index) for index in range(len(inputs))]
        if not symbolic:
            arrays = [_plain(array) for array in arrays]
        result = np.asarray(function(*arrays))
        if result.dtype == object or not keep_type:
            return result
        return result.astype(arrays[0].dtype, copy=False)

    return rule


def _identity(node: OnnxNode, inputs: Inputs, opset: int) -> Array:
    return _need(inputs, 0)


_RULES: dict[str, _Rule] = {
    "Identity": _identity,
    "Cast": _cast,
    "Gather": _gather,
    "Slice": _slice,
    "Concat": _concat,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Flatten": _flatten,
    "Div": _divide,
    "ConstantOfShape": _constant_of_shape,
    "Range": _range,
    "Expand": _expand,
    "Where": _where,
    "Equal": _equal,
    "Add": _elementwise(np.add, symbolic=True),
    "Sub": _elementwise(np.subtract, symbolic=True),
    "Mul": _elementwise(np.multiply, symbolic=True),
    "Pow": _elementwise(np.power),
    "Neg": _elementwise(np.negative),
    "Sqrt": _elementwise(np.sqrt),
    "Exp": _elementwise(np.exp),
    "Log": _elementwise(np.log),
    "Abs": _elementwise(np.abs),
    "Floor": _elementwise(np.floor),
    "Ceil": _elementwise(np.ceil),
    "Reciprocal": _elementwise(np.reciprocal),
    "Relu": _elementwise(lambda x: np.maximum(x, 0)),
    "Sign": _elementwise(np.sign),
    "Greater": _elementwise(np.greater, keep_type=False),
    "Less": _elementwise(np.less, keep_type=False),
    "GreaterOrEqual": _elementwise(np.greater_equal, keep_type=False),
    "Not": _elementwise(np.logical_not, keep_type=False),
    "LessOrEqual": _elementwise(np.less_equal, keep_type=False),
    "And": _elementwise(np.logical_and, keep_type=False),
    "Or": _elementwise(np.logical_or, keep_type=False),
    "ReduceProd": _reduce(np.prod, symbolic=True),
    "ReduceSum": _reduce(np.sum, symbolic=True),
    "ReduceMax": _reduce(np.max),
    "ReduceMin": _reduce(np.min),
    "ReduceMean": _reduce(np.mean),
    "ReduceL2": _reduce(
        lambda x, axis, keepdims: np.sqrt(np.sum(np.square(x), axis=axis, keepdims=keepdims))
    ),
}
_VARIADIC_BROADCAST = frozenset(
    {
        "Add",
        "Sub",
        "Mul",
        "Div",
        "Pow",
        "Where",
        "Equal",
        "Greater",
        "Less",
        "GreaterOrEqual",
        "LessOrEqual",
        "And",
        "Or",
    }
)


def _result_bytes(node: OnnxNode, inputs: Inputs) -> int:
    """An upper bound of the result's size, found without making the result."""
    present = [array for array in inputs if array is not None]
    widest = max((array.dtype.itemsize for array in present), default=4)
    if node.op in _VARIADIC_BROADCAST:
        return math.prod(np.broadcast_shapes(*(array.shape for array in present))) * widest
    if node.op == "ConstantOfShape":
        return math.prod(int(value) for value in _plain(_need(inputs, 0))) * 8
    if node.op == "Expand":
        shape = tuple(int(value) for value in _plain(_need(inputs, 1)))
        return math.prod(np.broadcast_shapes(present[0].shape, shape)) * widest
    if node.op == "Gather":
        axis = int(node.attributes.get("axis", 0))
        return int(present[0].size // max(present[0].shape[axis], 1) * present[1].size * widest)
    if node.op == "Range":
        start, limit, delta = (_plain(array).item() for array in present)
        steps = math.ceil((limit - start) / delta) if delta else 0
        return max(0, int(steps) * int(widest))
    return sum(array.size for array in present) * max(widest, 8)


def evaluate(node: OnnxNode, inputs: Inputs, opset: int, max_bytes: int) -> Array | None:
    """The single output, or None if the operator is not of this kind, does not fit its inputs or would
    take more than `max_bytes`."""
    rule = _RULES.get(node.op)
    if rule is None or node.domain or len(node.outputs) != 1:
        return None
    try:
        with np.errstate(all="ignore"):
            if _result_bytes(node, inputs) > max_bytes:
                return None
            result = np.asarray(rule(node, inputs, opset))
    except (
        NotFoldable,
        ValueError,
        IndexError,
        TypeError,
        KeyError,
        OverflowError,
        ZeroDivisionError,
        AttributeError,
        MemoryError,
    ):
        return None
    return as_array(result.flat, result.shape) if result.dtype == object else result
