"""ReduceMean."""

from __future__ import annotations

import aidge_core
import numpy as np

from ..builder import Builder
from ..source import OnnxNode
from ..writer import Writer
from .registry import exports, imports


@imports("ReduceMean")
def import_reduce_mean(node: OnnxNode, build: Builder) -> None:
    build.emit(
        node,
        "ReduceMean",
        node.inputs[:1],
        {
            "axes": build.ints(node, 1, "axes") or [],
            "keep_dims": bool(node.attributes.get("keepdims", 1)),
            "noop_with_empty_axes": bool(node.attributes.get("noop_with_empty_axes", 0)),
        },
    )


@exports("ReduceMean")
def export_reduce_mean(node: aidge_core.Node, write: Writer) -> None:
    attributes, inputs = write.attributes(node), write.inputs(node)
    axes, keep = list(attributes["axes"]), {"keepdims": int(attributes["keep_dims"])}
    if not axes and attributes["noop_with_empty_axes"]:
        write.emit(node, "Identity", inputs)
    elif not axes:
        write.emit(node, "ReduceMean", inputs, keep)
    elif write.opset < 18:
        write.emit(node, "ReduceMean", inputs, {**keep, "axes": write.axes(axes, inputs[0], node)})
    else:
        write.emit(
            node, "ReduceMean", [*inputs, write.constant(node, "axes", np.asarray(axes, np.int64))], keep
        )
