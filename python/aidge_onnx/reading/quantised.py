"""Reads constants behind DequantizeLinear as the floats that they stand for, and keeps how the file holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .source import OnnxNode, Source

if TYPE_CHECKING:
    from .builder import Array, Builder

__all__ = ["dequantise_constants", "records_by_producer"]

_UNFIT = -1
_STEPS = frozenset({"int8", "uint8", "int16", "uint16", "int32"})


def dequantise_constants(source: Source, max_bytes: int) -> dict[str, dict[str, Any]]:
    """Replaces DequantizeLinear nodes of constants by their results (in place), and also the QuantizeLinear nodes of constants before them: files of
    networks that were trained with rounded weights have these.

    max_bytes bounds the sum of the results; further nodes are kept.

    Returns:
        How the file holds each of these values, by the value's name: element type, scales, zero points (none: 0), axis (None: one scale for all),
        the largest distance from the zero point that occurs, and the names of the three constants and of the node.
    """
    records: dict[str, dict[str, Any]] = {}
    made: dict[tuple[int, ...], Array] = {}
    kept: list[OnnxNode] = []
    for node in source.nodes:
        rounded = _quantised(source, node)
        if rounded is not None:
            source.constants[node.outputs[0]] = rounded
            continue
        parts = _parts(source, node)
        if parts is None:
            kept.append(node)
            continue
        steps, scale, zero, axis = parts
        key = (id(steps), id(scale), -1 if zero is None else id(zero), -1 if axis is None else axis)
        if key not in made and 4 * steps.size > max_bytes:
            kept.append(node)
            continue
        if key not in made:
            made[key] = _floats(steps, scale, zero, axis)
            max_bytes -= made[key].nbytes
        if not np.isfinite(made[key]).all():
            kept.append(node)
            continue
        name = node.outputs[0]
        source.constants[name] = made[key]
        centred = _centred(steps, zero, axis)
        records[name] = {
            "type": steps.dtype.name,
            "scale": np.atleast_1d(scale).tolist(),
            "zero": None if zero is None else np.atleast_1d(zero).tolist(),
            "axis": axis,
            "limit": int(np.abs(centred).max(initial=0)),
            "names": [*node.inputs, *[""] * (3 - len(node.inputs))],
            "node": node.name,
        }
    source.nodes = kept
    return records


def _parts(source: Source, node: OnnxNode) -> tuple[Array, Array, Array | None, int | None] | None:
    """(integers, scales, zero points, axis or None for one scale) of a node whose inputs are all constants that fit each other."""
    if node.op != "DequantizeLinear" or node.domain or node.attributes.get("block_size", 0):
        return None
    arrays = [source.constants.get(name) for name in node.inputs if name]
    if len(arrays) not in (2, 3) or any(array is None for array in arrays) or "" in node.inputs[:2]:
        return None
    steps, scale = arrays[0], arrays[1]
    zero = arrays[2] if len(arrays) == 3 else None
    assert steps is not None
    assert scale is not None
    if (
        steps.dtype.name not in _STEPS
        or scale.dtype != np.float32
        or (zero is not None and zero.dtype != steps.dtype)
    ):
        return None
    if zero is not None and zero.size != scale.size:
        return None
    axis = _axis_of(node, steps.shape, scale)
    return None if axis == _UNFIT or not _is_plain(steps, scale) else (steps, scale, zero, axis)


def _is_plain(values: Array, scale: Array) -> bool:
    """Whether there are values, all of them finite, and positive finite scales."""
    return bool(values.size) and bool(
        np.isfinite(values).all() and np.isfinite(scale).all() and (scale > 0).all()
    )


def _axis_of(node: OnnxNode, shape: tuple[int, ...], scale: Array) -> int | None:
    """The axis along which scales differ, None for one scale, _UNFIT if the scales do not fit the tensor."""
    if scale.size == 1:
        return None
    axis = int(node.attributes.get("axis", 1))
    axis += len(shape) if axis < 0 else 0
    fits = scale.ndim == 1 and 0 <= axis < len(shape) and shape[axis] == scale.size
    return axis if fits else _UNFIT


def _quantised(source: Source, node: OnnxNode) -> Array | None:
    """The integers of a QuantizeLinear node whose inputs are all constants."""
    if (
        node.op != "QuantizeLinear"
        or node.domain
        or node.attributes.get("block_size", 0)
        or len(node.inputs) != 3
    ):
        return None
    values, scale, zero = (source.constants.get(name) for name in node.inputs)
    if (
        values is None
        or scale is None
        or zero is None
        or values.dtype != np.float32
        or scale.dtype != np.float32
    ):
        return None
    axis = _axis_of(node, values.shape, scale)
    if (
        axis == _UNFIT
        or zero.dtype.name not in _STEPS
        or zero.size != scale.size
        or not _is_plain(values, scale)
    ):
        return None
    limits = np.iinfo(zero.dtype)
    with np.errstate(over="ignore"):
        steps = np.rint(values / _along(scale, axis, values.ndim))
    steps = steps + _along(zero.astype(np.float32), axis, values.ndim)
    made: Array = np.clip(steps, limits.min, limits.max).astype(zero.dtype)
    return made


def _along(array: Array, axis: int | None, rank: int) -> Array:
    """For broadcasting against a tensor of this rank."""
    return array.reshape(() if axis is None else [-1 if i == axis else 1 for i in range(rank)])


def _centred(steps: Array, zero: Array | None, axis: int | None) -> Array:
    """Distances from the zero point."""
    wide = steps.astype(np.int64)
    return wide if zero is None else wide - _along(zero.astype(np.int64), axis, steps.ndim)


def _floats(steps: Array, scale: Array, zero: Array | None, axis: int | None) -> Array:
    """(x - zero point) · scale, rounded as the operator does."""
    with np.errstate(over="ignore", invalid="ignore"):
        made: Array = _centred(steps, zero, axis).astype(np.float32) * _along(scale, axis, steps.ndim)
    return made


def records_by_producer(records: dict[str, dict[str, Any]], builder: Builder) -> dict[str, dict[str, Any]]:
    """The records by the names of the producers that hold the values."""
    return {producer: record for name, record in records.items() for producer in builder.producers_of(name)}
