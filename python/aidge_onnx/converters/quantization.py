"""QuantizeLinear and DequantizeLinear."""

from __future__ import annotations

import aidge_core
import numpy as np
from onnx import TensorProto

from ..reading.builder import Builder, NotNative
from ..reading.source import OnnxNode
from ..registry import exports, imports
from ..tensors import DTYPE_NAMES, dtype_name, onnx_type_of, type_text
from ..writing.writer import Writer

_BYTES = ("int8", "uint8")


def _check(node: OnnxNode) -> None:
    if node.attributes.get("block_size", 0):
        raise NotNative("one scale a block")
    for name in ("precision", "output_dtype") if node.op == "QuantizeLinear" else ("output_dtype",):
        kind = node.attributes.get(name, 0)
        if name == "precision" and kind not in (0, TensorProto.FLOAT):
            raise NotNative(f"computes in {type_text(kind)}")
    if len(node.inputs) < 2 or not node.inputs[1]:
        raise NotNative("the scale is missing")


@imports("QuantizeLinear")
def import_quantize(node: OnnxNode, build: Builder) -> None:
    _check(node)
    attributes: dict[str, object] = {"axis": int(node.attributes.get("axis", 1))}
    kind = node.attributes.get("output_dtype", 0)
    if not build.has_input(node, 2):
        if kind and kind not in DTYPE_NAMES:
            raise NotNative(f"to {type_text(kind)}")
        attributes["to"] = dtype_name(kind) if kind else "uint8"
    elif build.type_name(node.inputs[2]) is None:
        raise NotNative("to a type that is not known")
    build.emit(node, "QuantizeLinear", node.inputs, attributes)


@imports("DequantizeLinear")
def import_dequantize(node: OnnxNode, build: Builder) -> None:
    _check(node)
    if node.attributes.get("output_dtype", 0) not in (0, TensorProto.FLOAT):
        raise NotNative("to another type than float32")
    if build.type_name(node.inputs[0]) is None:
        raise NotNative("from a type that is not known")
    build.emit(node, "DequantizeLinear", node.inputs, {"axis": int(node.attributes.get("axis", 1))})


def _emit(node: aidge_core.Node, write: Writer, to: str) -> None:
    names = write.inputs(node)
    attributes = write.attributes(node)
    written: dict[str, int] = {}
    scale = write.initialisers.get(names[1])
    if scale is None or scale.size != 1:
        write.need(13, node, "scales along an axis")
        written["axis"] = int(attributes["axis"])
    if to not in (*_BYTES, "int32"):
        write.need(21, node, to)
    if node.type() == "QuantizeLinear" and len(names) < 3 and to != "uint8":
        write.need(21, node, f"{to} without a zero point")
        written["output_dtype"] = onnx_type_of(to)
    write.emit(node, node.type(), names, written)


@exports("QuantizeLinear")
def export_quantize(node: aidge_core.Node, write: Writer) -> None:
    names = write.inputs(node)
    to = str(write.attributes(node)["to"]) if len(names) < 3 else np.dtype(write.dtype(names[2])).name
    _emit(node, write, to)


@exports("DequantizeLinear")
def export_dequantize(node: aidge_core.Node, write: Writer) -> None:
    names = write.inputs(node)
    # The type of the data is that of its zero point, or known from the node before.
    _emit(node, write, np.dtype(write.dtype(names[2] if len(names) > 2 else names[0])).name)
