"""Reductions over axes, CumSum."""

from __future__ import annotations

import aidge_core
import numpy as np

from ..reading.builder import Builder, scalar
from ..reading.source import OnnxNode
from ..registry import exports, imports
from ..writing.writer import Writer

_REDUCTIONS = [
    f"Reduce{name}"
    for name in ["Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare"]
]


@imports(*_REDUCTIONS)
def import_reduction(node: OnnxNode, build: Builder) -> None:
    axes = build.ints(node, 1, "axes") or []
    if not axes and node.attributes.get("noop_with_empty_axes", 0):
        _emit_elementwise(node, build)
        return
    build.emit(
        node,
        node.op,
        node.inputs[:1],
        {"axes": axes, "keep_dims": bool(node.attributes.get("keepdims", 1))},
    )


def _emit_elementwise(node: OnnxNode, build: Builder) -> None:
    """Over no axes at all: what is done to a single element remains."""
    data = node.inputs[0]
    if node.op in ("ReduceL1", "ReduceL2"):
        build.emit(node, "Abs", [data])
    elif node.op == "ReduceSumSquare":
        build.emit(node, "Mul", [data, data])
    elif node.op == "ReduceLogSum":
        build.emit(node, "Log", [data])
    else:
        build.emit(node, "Identity", [data])


@imports("CumSum")
def import_cumulative_sum(node: OnnxNode, build: Builder) -> None:
    axis = int(scalar(build.required_constant(node, 1, "the axis"), node, "the axis"))
    flags = {name: bool(node.attributes.get(name, 0)) for name in ("exclusive", "reverse")}
    build.emit(node, "CumSum", node.inputs[:1], {"axis": axis, **flags})


@exports(*_REDUCTIONS)
def export_reduction(node: aidge_core.Node, write: Writer) -> None:
    attributes, inputs, op = write.attributes(node), write.inputs(node), node.type()
    axes, keep = list(attributes["axes"]), {"keepdims": int(attributes["keep_dims"])}
    if not axes and attributes["noop_with_empty_axes"]:
        write.emit(node, "Identity", inputs)
    elif not axes:
        write.emit(node, op, inputs, keep)
    elif write.opset < (13 if op == "ReduceSum" else 18):
        write.emit(node, op, inputs, {**keep, "axes": write.axes(axes, inputs[0], node)})
    else:
        write.emit(node, op, [*inputs, write.constant(node, "axes", np.asarray(axes, np.int64))], keep)


@exports("CumSum")
def export_cumulative_sum(node: aidge_core.Node, write: Writer) -> None:
    attributes = write.attributes(node)
    axis = write.constant(node, "axis", np.asarray(attributes["axis"], np.int64))
    flags = {name: int(attributes[name]) for name in ("exclusive", "reverse")}
    write.emit(node, "CumSum", [*write.inputs(node), axis], flags)
