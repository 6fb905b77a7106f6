"""Sum, Identity, Cast and Dropout."""

from __future__ import annotations

import aidge_core
import numpy as np
from onnx import TensorProto

from ..reading.builder import Builder, NotNative, Value
from ..reading.source import OnnxNode
from ..registry import exports, imports
from ..tensors import DTYPE_NAMES, dtype_name, onnx_type_of, type_text
from ..writing.writer import Writer


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
    _emit_cast(node, build, node.attributes.get("to"))


@imports("CastLike")
def import_cast_like(node: OnnxNode, build: Builder) -> None:
    _emit_cast(node, build, build.source.type_of(node.inputs[1]).elem)


def _emit_cast(node: OnnxNode, build: Builder, to: int | None) -> None:
    source = build.source.type_of(node.inputs[0]).elem
    if to is None or source is None:
        raise NotNative("from or to a type that is not known")
    if to not in DTYPE_NAMES:
        raise NotNative(f"to {type_text(to)}")
    if source == to:
        build.emit(node, "Identity", node.inputs[:1])
    else:
        build.emit(node, "Cast", node.inputs[:1], {"to": dtype_name(to)})


@exports("Cast")
def export_cast(node: aidge_core.Node, write: Writer) -> None:
    to = onnx_type_of(str(write.attributes(node)["to"]))
    if to == TensorProto.BFLOAT16:
        write.need(13, node, "bfloat16")
    write.emit(node, "Cast", write.inputs(node), {"to": to})


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
