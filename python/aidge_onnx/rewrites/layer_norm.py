"""Finds layer normalisation that is written out in elementary operators, as exporters do below opset 17."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import TensorProto

from ..reading.source import OnnxNode
from .uses import Uses

__all__ = ["layer_norm"]


@dataclass(frozen=True)
class _Statistics:
    """Of the values `data` over their last `axes` axes: what is left when the mean is taken off, and the root of the variance."""

    data: str
    axes: int
    epsilon: float
    centred: OnnxNode
    parts: tuple[OnnxNode, ...]


def layer_norm(node: OnnxNode, uses: Uses) -> Iterator[OnnxNode]:
    """Turns (x - mean) / sqrt(variance + epsilon), with the scale and shift behind it, into LayerNormalization; `node` is the Sqrt."""
    if node.op != "Sqrt" or uses.source.type_of(node.outputs[0]).elem != TensorProto.FLOAT:
        return
    found = _statistics(node, uses)
    if found is None:
        return
    region = [*found.parts, node]
    last = uses.only_reader(node.outputs[0])
    if last is not None and last.op == "Reciprocal":
        region.append(last)
        last = uses.only_reader(last.outputs[0])
    wanted = "Mul" if region[-1].op == "Reciprocal" else "Div"
    centred, root = found.centred.outputs[0], region[-1].outputs[0]
    if last is None or last.op != wanted or sorted(last.inputs) != sorted((centred, root)):
        return
    if (wanted == "Div" and last.inputs[0] != centred) or not _only_these_read(
        centred, [*region, last], uses
    ):
        return
    region.append(last)
    shape = uses.source.type_of(found.data).dims
    trailing = [dim for dim in (shape or ())[-found.axes :] if isinstance(dim, int)]
    known = len(trailing) == found.axes
    scale = _parameter(region, "Mul", trailing if known else found.axes, uses)
    if not known and scale is None:
        return
    bias = _parameter(region, "Add", trailing if known else uses.source.constants[str(scale)].shape, uses)
    last = region.pop()
    if scale is None:
        ones = np.ones(trailing, np.float32)
        scale = uses.add_constant(f"{last.name or last.outputs[0]}_scale", ones)
    inputs = [found.data, scale] if bias is None else [found.data, scale, bias]
    last.rewrite("LayerNormalization", inputs, {"axis": -found.axes, "epsilon": found.epsilon})
    yield from region


def _statistics(root: OnnxNode, uses: Uses) -> _Statistics | None:
    total = uses.sole_maker(root.inputs[0], "Add")
    if total is None:
        return None
    for value, constant in ((0, 1), (1, 0)):
        epsilon = uses.constant(total, constant)
        variance = uses.sole_maker(total.inputs[value], "ReduceMean")
        if epsilon is None or variance is None or not _is_plain(epsilon, total.inputs[value], uses):
            continue
        square = uses.sole_maker(variance.inputs[0], "Pow", "Mul")
        centred = None if square is None else uses.maker.get(square.inputs[0])
        if square is None or centred is None or not _squares(square, uses):
            continue
        mean = (
            uses.sole_maker(centred.inputs[1], "ReduceMean")
            if centred.op == "Sub" and not centred.domain
            else None
        )
        if mean is None or mean.inputs[0] != centred.inputs[0]:
            continue
        axes = _trailing_axes(mean, uses)
        if axes is not None and axes == _trailing_axes(variance, uses):
            parts = (mean, centred, square, variance, total)
            return _Statistics(mean.inputs[0], axes, float(epsilon.reshape(())), centred, parts)
    return None


def _is_plain(epsilon: np.ndarray[Any, Any], data: str, uses: Uses) -> bool:
    """Whether this is one number that is not negative, and gives what it is added to no further dims."""
    return (
        epsilon.size == 1
        and epsilon.ndim <= (uses.source.type_of(data).rank or 0)
        and bool(np.all(epsilon >= 0))
    )


def _squares(node: OnnxNode, uses: Uses) -> bool:
    if node.op == "Mul":
        return node.inputs[0] == node.inputs[1]
    exponent = uses.constant(node, 1)
    return exponent is not None and exponent.size == 1 and float(exponent.reshape(())) == 2.0


def _trailing_axes(node: OnnxNode, uses: Uses) -> int | None:
    """The number of last axes that a ReduceMean which keeps its dims reduces; None for other axes."""
    rank = uses.source.type_of(node.inputs[0]).rank
    axes = node.attributes.get("axes", uses.constant(node, 1))
    if axes is None or not node.attributes.get("keepdims", 1):
        return None
    from_end = {int(axis) if axis < 0 else int(axis) - (rank or 0) for axis in axes}
    return len(from_end) if from_end and sorted(from_end) == list(range(-len(from_end), 0)) else None


def _only_these_read(name: str, readers: list[OnnxNode], uses: Uses) -> bool:
    members = {id(node) for node in readers}
    return name not in uses.exits and all(id(node) in members for node in uses.readers.get(name, []))


def _parameter(region: list[OnnxNode], op: str, shape: Sequence[int] | int, uses: Uses) -> str | None:
    """The constant of this shape that the next operator applies to the end of the region, which then grows by it.

    If the shape is not known, `shape` is a number of axes: any constant of that rank fits if no axis has size 1, because such an axis could be broadcast.
    """
    reader = uses.only_reader(region[-1].outputs[0])
    if reader is None or reader.op != op or reader.domain:
        return None
    for name in reader.inputs:
        array = uses.source.constants.get(name)
        if array is None or array.dtype != np.float32:
            continue
        fits = (
            array.ndim == shape and 1 not in array.shape
            if isinstance(shape, int)
            else array.shape == tuple(shape)
        )
        if fits:
            region.append(reader)
            return name
    return None
