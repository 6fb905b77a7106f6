"""Writes constants that the file held behind DequantizeLinear as integers again, by the file's own rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from onnx import NodeProto, helper

from .writer import Writer

__all__ = ["restore_quantised"]

Array: TypeAlias = np.ndarray[Any, Any]
_EXACT = 1e-4
"""In steps: a value nearer than this to a whole number of them is that number."""
_TESTED = 16
_BIAS = np.dtype(np.int32)


def restore_quantised(write: Writer, records: Mapping[str, Mapping[str, Any]]) -> None:
    """Replaces float constants that have records by integers and DequantizeLinear nodes (in place).

    A channel whose values are whole steps of a scale of the file has that scale, so that what was not changed is written as it was, also
    if channels beside it were removed. Other values get the scale that the file's rule gives: as many steps to the largest value as
    before where zero points are in the middle, else from the least to the largest value. Biases have the scale of the layer's input
    times that of its weight, which integer kernels take for granted; a layer of integers has no float bias if others have none.
    """
    _Restorer(write, records).run()


class _Restorer:
    def __init__(self, write: Writer, records: Mapping[str, Mapping[str, Any]]) -> None:
        self._write = write
        self._records = records
        self._readers: dict[str, list[NodeProto]] = {}
        for node in write.nodes:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)
        self._makers = {name: node for node in write.nodes for name in node.output}
        self._scales: dict[str, Array] = {}
        self._biases: dict[tuple[str, bytes], str] = {}
        #: How the file holds biases; None: it has none of integers.
        self._plain_bias: dict[str, Any] | None = None
        for record in records.values():
            if record["type"] == _BIAS.name:
                self._plain_bias = {"type": _BIAS.name, "zero": record["zero"]}
        self._made: list[NodeProto] = []

    def run(self) -> None:
        """Does it: weights first, since scales of biases follow from theirs."""
        write = self._write
        found = {name: record for name, record in self._records.items() if name in write.initialisers}
        for name, record in found.items():
            if record["type"] != _BIAS.name:
                self._weight(name, record)
        if self._plain_bias is not None:
            for node in write.nodes:
                self._bias(node)
        for name, record in found.items():
            if record["type"] == _BIAS.name and name in write.initialisers and self._readers.get(name):
                self._weight(name, record)  # no bias of such a layer
        read = {name for node in [*self._made, *write.nodes] for name in node.input}
        for name in [name for name in found if name not in read]:
            write.initialisers.pop(name, None)
        write.nodes = [*self._made, *write.nodes]

    # --- weights --------------------------------------------------------------------------------------------
    def _weight(self, name: str, record: Mapping[str, Any]) -> None:
        values = self._write.initialisers[name]
        axis = None if record["axis"] is None else self._axis(name, record, values.ndim)
        if values.dtype != np.float32 or not values.size or (axis is not None and axis >= values.ndim):
            return  # something else became of it
        rows = (
            values.reshape(1, -1)
            if axis is None
            else np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)
        )
        scale, zero = _scales_for(rows, record)
        self._scales[name] = scale
        self._dequantise(name, name, values, scale, zero, axis, record)

    def _axis(self, name: str, record: Mapping[str, Any], rank: int) -> int:
        """Where the scales run: along the outputs of the layer that reads the constant, else as in the file."""
        axes = {
            axis
            for node in self._readers.get(name, [])
            if (axis := _output_axis(node, name, rank)) is not None
        }
        return axes.pop() if len(axes) == 1 else int(record["axis"])

    # --- biases ---------------------------------------------------------------------------------------------
    def _bias(self, node: NodeProto) -> None:
        if (
            node.op_type not in ("Conv", "ConvTranspose", "Gemm")
            or len(node.input) < 3
            or node.input[1] not in self._scales
        ):
            return
        name, values = node.input[2], self._write.initialisers.get(node.input[2])
        data = self._scale_of(node.input[0])
        if values is None or data is None or values.ndim != 1 or values.dtype != np.float32:
            return
        record = self._records.get(name) or self._plain_bias
        assert record is not None
        scale = (data * self._scales[node.input[1]]).astype(np.float32)
        if scale.size not in (1, values.size):
            return
        node.input[2] = self._bias_with(name, values, scale, record)

    def _bias_with(self, name: str, values: Array, scale: Array, record: Mapping[str, Any]) -> str:
        """The name of the bias as integers of these scales: its own for the first reader, another one for readers with other scales."""
        key = (name, scale.tobytes())
        if key not in self._biases:
            first = all(known != name for known, _ in self._biases)
            made = name if first else self._write.unique(f"{name}_scaled")
            self._biases[key] = made
            zero = None if record["zero"] is None else np.zeros(scale.size, np.int64)
            self._dequantise(name, made, values, scale, zero, 0 if scale.size > 1 else None, record)
        return self._biases[key]

    def _scale_of(self, value: str) -> Array | None:
        """The only scale of a value that comes out of DequantizeLinear."""
        maker = self._makers.get(value)
        if maker is None or maker.op_type != "DequantizeLinear" or maker.domain:
            return None
        scale = self._write.initialisers.get(maker.input[1])
        return scale.reshape(1) if scale is not None and scale.size == 1 else None

    # --- both -----------------------------------------------------------------------------------------------
    def _dequantise(
        self, name: str, made: str, values: Array, scale: Array, zero: Array | None, axis: int | None, record: Mapping[str, Any]
    ) -> None:  # fmt: skip
        """Integers, and the node that gives `made` from them."""
        write, kind = self._write, np.dtype(record["type"])
        limits = np.iinfo(kind)
        shape = [1] * values.ndim
        if axis is not None:
            shape[axis] = -1
        offset = np.zeros(1, np.int64) if zero is None else zero.astype(np.int64)
        steps = np.rint(values.astype(np.float64) / scale.astype(np.float64).reshape(shape)) + offset.reshape(
            shape
        )
        names = [
            entry or f"{name}_{word}"
            for entry, word in zip(record.get("names", [""] * 3), _WORDS, strict=True)
        ]
        inputs = [write.unique(names[0]), write.unique(names[1])]
        write.initialisers[inputs[0]] = np.clip(steps, limits.min, limits.max).astype(kind)
        write.initialisers[inputs[1]] = scale if axis is not None else scale.reshape(())
        if zero is not None:
            inputs.append(write.unique(names[2]))
            write.initialisers[inputs[2]] = (
                zero.astype(kind) if axis is not None else zero.astype(kind).reshape(())
            )
        if made == name:
            write.initialisers.pop(name, None)
        attributes: dict[str, Any] = {} if axis is None else {"axis": axis}
        node_name = write.unique_node(record.get("node") or f"{made}_DequantizeLinear")
        self._made.append(helper.make_node("DequantizeLinear", inputs, [made], node_name, **attributes))


_WORDS = ("quantized", "scale", "zero_point")


def _output_axis(node: NodeProto, name: str, rank: int) -> int | None:
    """The axis of a layer's weight along which its outputs lie; None if the constant is not its weight."""
    if node.domain or len(node.input) < 2 or node.input[1] != name:
        return None
    if node.op_type == "Conv":
        return 0
    if node.op_type == "ConvTranspose":
        return 1
    if node.op_type == "Gemm":
        return 0 if any(entry.name == "transB" and entry.i for entry in node.attribute) else 1
    return rank - 1 if node.op_type == "MatMul" else None


def _scales_for(rows: Array, record: Mapping[str, Any]) -> tuple[Array, Array | None]:
    """(scales, zero points) for the rows; see restore_quantised."""
    limits = np.iinfo(np.dtype(record["type"]))
    old = np.array(record["scale"], np.float64)
    zeros = np.zeros(old.size, np.int64) if record["zero"] is None else np.array(record["zero"], np.int64)
    middle = 0 if limits.min < 0 else (limits.max + 1) // 2
    symmetric = record["zero"] is None or bool((zeros == middle).all())
    scale, zero = np.empty(len(rows), np.float64), np.full(len(rows), zeros[0])
    first = (
        0  # channels keep their order: what a row has in the file comes behind what the row before has there
    )
    for index, row in enumerate(rows):
        last = old.size - (len(rows) - index) + 1
        fitting = _fitting(row.astype(np.float64), old[first:last], zeros[first:last], limits)
        if fitting is not None:
            scale[index], zero[index] = old[first + fitting], zeros[first + fitting]
            first += fitting + 1
        elif symmetric:
            largest = float(np.abs(row).max(initial=0.0))
            scale[index] = largest / (record["limit"] or limits.max - middle) or 1.0
        else:
            low, high = min(float(row.min(initial=0.0)), 0.0), max(float(row.max(initial=0.0)), 0.0)
            scale[index] = (high - low) / (limits.max - limits.min) or 1.0
            zero[index] = int(np.clip(np.rint(limits.min - low / scale[index]), limits.min, limits.max))
    return scale.astype(np.float32), None if record["zero"] is None else zero


def _fitting(row: Array, scales: Array, zeros: Array, limits: Any) -> int | None:
    """Index of the first scale for which all values of the row are whole steps within the type; None if none fits."""
    if not len(scales):
        return None
    probe = row if row.size <= _TESTED else row[np.argsort(-np.abs(row), kind="stable")[:_TESTED]]
    for index in np.flatnonzero(_whole(probe[None], scales, zeros, limits)):
        if _whole(row[None], scales[index : index + 1], zeros[index : index + 1], limits)[0]:
            return int(index)
    return None


def _whole(row: Array, scales: Array, zeros: Array, limits: Any) -> Array:
    """For each scale whether the values are whole steps of it that the type can hold."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        steps = row / scales[:, None]
        near = np.rint(steps)
        held = (near + zeros[:, None] >= limits.min) & (near + zeros[:, None] <= limits.max)
        whole: Array = ((np.abs(steps - near) < _EXACT) & held).all(axis=1)
    return whole
