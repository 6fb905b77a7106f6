"""More inputs of other types: identifiers, pictures, masks."""

from __future__ import annotations

import numpy as np
import onnx

from .net import Net, Value

__all__ = ["identifiers", "mask", "picture"]

_WORDS = 7
_MOST_INPUTS = 3


def _input(net: Net, dims: tuple[int, ...], kind: int, most: int) -> Value:
    """Another graph input of whole numbers from 0 to `most`; nothing but the next node reads it."""
    value = Value(f"x{len(net.inputs)}", dims, kind, most)
    net.inputs.append(value)
    net.read.add(value.name)
    net.free &= net.current is net.inputs[0]
    return value


def _met(net: Net, data: Value, other: Value) -> None:
    """The value goes on alone, or joined with what there was."""
    choose = net.choices
    if other.dims == data.dims and choose.one_in(2):
        net.add("Concat", [data, other], (2 * data.channels, *data.sizes), axis=1)
    else:
        net.add(choose.pick(["Add", "Mul"]), [data, other], data.dims)


def picture(net: Net) -> None:
    """Bytes, divided by 255 or taken as they are and scaled by a weight."""
    data, choose = net.current, net.choices
    if len(net.inputs) >= _MOST_INPUTS or not data.sizes:
        return
    given = _input(net, data.dims, onnx.TensorProto.UINT8, 255)
    value = net.add("Cast", [given], given.dims, to=onnx.TensorProto.FLOAT)
    if choose.one_in(2):
        value = net.add("Div", [value, net.scalar(255.0)])
    else:
        value = net.add("Sub", [net.add("Mul", [value, net.scalar(0.01)]), net.scalar(1.0)])
    _met(net, data, value)


def mask(net: Net) -> None:
    """Places that count: a factor of 0 or 1, or another value where they do not."""
    data, choose = net.current, net.choices
    if len(net.inputs) >= _MOST_INPUTS:
        return
    given = _input(net, (1, *data.sizes), onnx.TensorProto.BOOL, 1)
    if choose.one_in(2):
        net.add("Where", [given, data, net.scalar(choose.pick([0.0, -0.5]))], data.dims)
    else:
        value = net.add("Cast", [given], given.dims, to=onnx.TensorProto.FLOAT)
        net.add("Mul", [data, value], data.dims)


def identifiers(net: Net) -> None:
    """Numbers of words, of which a table has vectors; their mean is added to every place."""
    data, choose = net.current, net.choices
    if len(net.inputs) >= _MOST_INPUTS:
        return
    length = choose.integer(1, 4)
    kind = choose.pick([onnx.TensorProto.INT64, onnx.TensorProto.INT32])
    given = _input(net, (length,), kind, _WORDS - 1)
    table = net.constant(_WORDS, data.channels)
    net.add("Gather", [table, given], (length, data.channels), axis=0)
    net.axes("ReduceMean", [1], (data.channels,), keepdims=0)
    if data.sizes:
        ones = [1] * data.spatial
        net.add("Reshape", [net.current, net.integers(0, data.channels, *ones)], (data.channels, *ones))
    net.add("Add", [data, net.current], data.dims)


def value_info(value: Value, dims: list[str | int | None]) -> onnx.ValueInfoProto:
    """How the graph declares it."""
    return onnx.helper.make_tensor_value_info(value.name, value.kind, dims)


def made_up(value: Value, dims: list[int], random: np.random.Generator, scale: float) -> np.ndarray:
    """Values for a graph input: from -scale to scale, or whole numbers."""
    dtype = onnx.helper.tensor_dtype_to_np_dtype(value.kind)
    if value.most:
        return random.integers(0, value.most, dims, endpoint=True).astype(dtype)
    return random.uniform(-scale, scale, dims).astype(dtype)
