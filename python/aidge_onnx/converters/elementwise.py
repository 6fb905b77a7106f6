"""Add, Sub, Mul, Div, Sum, Identity, Cast that changes nothing, and Dropout."""

from __future__ import annotations

import aidge_core
import numpy as np
from onnx import TensorProto

from ..builder import Builder, NotNative, Value, refuse
from ..source import OnnxNode
from ..writer import Writer
from .registry import exports, imports

_BINARY = ("Add", "Sub", "Mul", "Div")


@imports(*_BINARY)
def import_binary(node: OnnxNode, build: Builder) -> None:
    if len(node.inputs) != 2:
        refuse(node, f"{len(node.inputs)} inputs, expected 2")
    build.emit(node, node.op, node.inputs)


@imports("Sum")
def import_sum(node: OnnxNode, build: Builder) -> None:
    if len(node.inputs) == 1:
        build.emit(node, "Identity", node.inputs)
        return
    total: str | Value = node.inputs[0]
    for index, name in enumerate(node.inputs[1:-1], start=1):
        total = build.step(node, "Add", [total, name], {}, f"_part{index}")
    build.emit(node, "Add", [total, node.inputs[-1]])


@imports("Identity")
def import_identity(node: OnnxNode, build: Builder) -> None:
    build.emit(node, "Identity", node.inputs)


@imports("Cast")
def import_cast(node: OnnxNode, build: Builder) -> None:
    if (
        node.attributes.get("to") != TensorProto.FLOAT
        or build.source.type_of(node.inputs[0]).elem != TensorProto.FLOAT
    ):
        raise NotNative("changes the type")
    build.emit(node, "Identity", node.inputs)


@imports("Dropout")
def import_dropout(node: OnnxNode, build: Builder) -> None:
    if build.is_read(node, 1):
        raise NotNative("the mask is used")
    if build.has_input(node, 2) and np.any(build.required_constant(node, 2, "training_mode")):
        raise NotNative("training mode")
    ratio = build.constant(node, 1)
    value = (
        float(node.attributes.get("ratio", 0.5))
        if ratio is None or ratio.size != 1
        else float(ratio.reshape(()))
    )
    build.emit(node, "Dropout", node.inputs[:1], {"ratio": value})


@exports(*_BINARY)
def export_binary(node: aidge_core.Node, write: Writer) -> None:
    write.emit(node, node.type(), write.inputs(node))


@exports("Identity")
def export_identity(node: aidge_core.Node, write: Writer) -> None:
    write.emit(node, "Identity", write.inputs(node))


@exports("Dropout")
def export_dropout(node: aidge_core.Node, write: Writer) -> None:
    ratio = float(write.attributes(node)["ratio"])
    if write.opset < 12:
        write.emit(node, "Dropout", write.inputs(node), {"ratio": ratio})
    else:
        write.emit(
            node,
            "Dropout",
            [*write.inputs(node), write.constant(node, "ratio", np.asarray(ratio, np.float32))],
        )
