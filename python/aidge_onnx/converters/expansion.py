"""Shape, Size, ConstantOfShape, Range, Expand, Tile, EyeLike, OneHot and Trilu."""

from __future__ import annotations

from typing import Any

import aidge_core
import numpy as np
from onnx import numpy_helper

from ..reading.builder import Builder, NotNative, refuse
from ..reading.source import OnnxNode
from ..registry import exports, imports
from ..tensors import DTYPE_NAMES, dtype_name, onnx_type_of, to_proto
from ..writing.writer import Writer

_END = (1 << 63) - 1


@imports("Shape")
def import_shape(node: OnnxNode, build: Builder) -> None:
    attributes: dict[str, Any] = {
        key: int(node.attributes[key]) for key in ("start", "end") if key in node.attributes
    }
    build.emit(node, "Shape", node.inputs, attributes)


@imports("Size", "Range")
def import_plain(node: OnnxNode, build: Builder) -> None:
    build.emit(node, node.op, node.inputs)


@imports("ConstantOfShape")
def import_constant_of_shape(node: OnnxNode, build: Builder) -> None:
    attributes, extras = build.arguments(node, 0, "shape")
    value = node.attributes.get("value")
    array = np.zeros(1, np.float32) if value is None else np.asarray(numpy_helper.to_array(value))
    if array.size != 1:
        refuse(node, f"the value has {array.size} elements, expected 1")
    build.emit(node, "ConstantOfShape", extras, {**attributes, "value": aidge_core.Tensor(array.reshape(1))})


@imports("Expand")
def import_expand(node: OnnxNode, build: Builder) -> None:
    attributes, extras = build.arguments(node, 1, "shape")
    build.emit(node, "Expand", [node.inputs[0], *extras], attributes)


@imports("Tile")
def import_tile(node: OnnxNode, build: Builder) -> None:
    attributes, extras = build.arguments(node, 1, "repeats")
    build.emit(node, "Tile", [node.inputs[0], *extras], attributes)


@imports("EyeLike")
def import_eye_like(node: OnnxNode, build: Builder) -> None:
    attributes = {"k": int(node.attributes.get("k", 0))}
    if "dtype" in node.attributes:
        if node.attributes["dtype"] not in DTYPE_NAMES:
            raise NotNative("of a type that only ONNX has")
        build.emit(
            node, "EyeLike", node.inputs, {**attributes, "dtype": dtype_name(node.attributes["dtype"])}
        )
        return
    build.emit(node, "EyeLike", node.inputs, attributes)


@imports("OneHot")
def import_one_hot(node: OnnxNode, build: Builder) -> None:
    build.emit(node, "OneHot", node.inputs, {"axis": int(node.attributes.get("axis", -1))})


@imports("Trilu")
def import_trilu(node: OnnxNode, build: Builder) -> None:
    k = int(build.required_constant(node, 1, "k").reshape(())) if build.has_input(node, 1) else 0
    build.emit(node, "Trilu", node.inputs[:1], {"upper": bool(node.attributes.get("upper", 1)), "k": k})


# --- export -------------------------------------------------------------------------------------------------
@exports("Shape")
def export_shape(node: aidge_core.Node, write: Writer) -> None:
    attributes = write.attributes(node)
    options = {}
    if attributes["start"] != 0:
        options["start"] = int(attributes["start"])
    if attributes["end"] != _END:
        options["end"] = int(attributes["end"])
    if options:
        write.need(15, node, "start and end")
    write.emit(node, "Shape", write.inputs(node), options)


@exports("Size")
def export_size(node: aidge_core.Node, write: Writer) -> None:
    write.emit(node, "Size", write.inputs(node))


@exports("Range")
def export_range(node: aidge_core.Node, write: Writer) -> None:
    write.need(11, node, "the operator")
    write.emit(node, "Range", write.inputs(node))


@exports("ConstantOfShape")
def export_constant_of_shape(node: aidge_core.Node, write: Writer) -> None:
    write.need(9, node, "the operator")
    value = to_proto(np.asarray(write.attributes(node)["value"]), "value")
    shape = write.argument(node, write.inputs(node), 0, "shape")
    write.emit(node, "ConstantOfShape", [shape], {"value": value})


@exports("Expand")
def export_expand(node: aidge_core.Node, write: Writer) -> None:
    write.need(8, node, "the operator")
    names = write.inputs(node)
    write.emit(node, "Expand", [names[0], write.argument(node, names, 1, "shape")])


@exports("Tile")
def export_tile(node: aidge_core.Node, write: Writer) -> None:
    names = write.inputs(node)
    write.emit(node, "Tile", [names[0], write.argument(node, names, 1, "repeats")])


@exports("EyeLike")
def export_eye_like(node: aidge_core.Node, write: Writer) -> None:
    write.need(9, node, "the operator")
    attributes = write.attributes(node)
    options = {"k": int(attributes["k"])}
    if attributes["dtype"]:
        options["dtype"] = onnx_type_of(attributes["dtype"])
    write.emit(node, "EyeLike", write.inputs(node), options)


@exports("OneHot")
def export_one_hot(node: aidge_core.Node, write: Writer) -> None:
    write.need(9, node, "the operator")
    names = write.inputs(node)
    axis = int(write.attributes(node)["axis"])
    write.emit(node, "OneHot", names, {"axis": axis if axis == -1 else write.axis(axis, names[0], node, 1)})


@exports("Trilu")
def export_trilu(node: aidge_core.Node, write: Writer) -> None:
    write.need(14, node, "the operator")
    attributes, names = write.attributes(node), write.inputs(node)
    if attributes["k"]:
        names.append(write.constant(node, "k", np.asarray(attributes["k"], np.int64)))
    write.emit(node, "Trilu", names, {"upper": int(attributes["upper"])})
