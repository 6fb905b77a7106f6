"""Concat, Flatten, Reshape, Transpose, Squeeze, Unsqueeze and Pad."""

from __future__ import annotations

import aidge_core
import numpy as np

from ..reading.builder import Builder, NotNative, refuse, scalar
from ..reading.source import OnnxNode
from ..registry import exports, imports
from ..writing.writer import Writer


@imports("Concat")
def import_concat(node: OnnxNode, build: Builder) -> None:
    if "axis" not in node.attributes:
        refuse(node, "axis is missing")
    build.emit(node, "Concat", node.inputs, {"axis": int(node.attributes["axis"])})


@imports("Flatten")
def import_flatten(node: OnnxNode, build: Builder) -> None:
    build.emit(node, "Flatten", node.inputs, {"axis": int(node.attributes.get("axis", 1))})


@imports("Reshape")
def import_reshape(node: OnnxNode, build: Builder) -> None:
    given, extras = build.arguments(node, 1, "shape")
    if not given and not extras:
        refuse(node, "the target is missing")
    if build.constant(node, 1) is not None and build.required_constant(node, 1, "shape").ndim != 1:
        refuse(node, "the target is not a list")
    shape = given.get("shape", [])
    if any(dim < -1 for dim in shape) or shape.count(-1) > 1:
        refuse(node, f"the target is {shape}")
    build.emit(
        node,
        "Reshape",
        [node.inputs[0], *extras],
        {"shape": shape, "allowzero": bool(node.attributes.get("allowzero", 0))},
    )


@imports("Transpose")
def import_transpose(node: OnnxNode, build: Builder) -> None:
    build.emit(node, "Transpose", node.inputs, {"output_dims_order": list(node.attributes.get("perm") or [])})


@imports("Squeeze", "Unsqueeze")
def import_squeeze(node: OnnxNode, build: Builder) -> None:
    axes = build.ints(node, 1, "axes")
    if axes is None and node.op == "Unsqueeze":
        refuse(node, "axes are missing")
    if axes == []:
        raise NotNative("with an empty list of axes")
    build.emit(node, node.op, node.inputs[:1], {"axes": axes or []})


@imports("Pad")
def import_pad(node: OnnxNode, build: Builder) -> None:
    given, extras = build.arguments(node, 1, "pads")
    if not given and not extras:
        refuse(node, "pads are missing")
    pads = given.get("pads", [])
    mode = node.attributes.get("mode", "constant")
    if mode not in ("constant", "reflect", "edge", "wrap"):
        refuse(node, f"mode is {mode!r}")
    if mode != "constant" and any(pad < 0 for pad in pads):
        raise NotNative("cuts instead of padding")
    value = node.attributes.get("value", 0.0)
    if build.has_input(node, 2):
        value = scalar(build.required_constant(node, 2, "the value"), node, "the value")
    axes = build.ints(node, 3, "axes")
    if axes == []:
        raise NotNative("with an empty list of axes")
    build.emit(
        node,
        "Pad",
        [node.inputs[0], *extras],
        {"pads": pads, "mode": mode, "value": value, "axes": axes or []},
    )


# --- export -------------------------------------------------------------------------------------------------
@exports("Concat")
def export_concat(node: aidge_core.Node, write: Writer) -> None:
    inputs = write.inputs(node)
    write.emit(
        node, "Concat", inputs, {"axis": write.axis(int(write.attributes(node)["axis"]), inputs[0], node)}
    )


@exports("Flatten")
def export_flatten(node: aidge_core.Node, write: Writer) -> None:
    inputs = write.inputs(node)
    write.emit(
        node, "Flatten", inputs, {"axis": write.axis(int(write.attributes(node)["axis"]), inputs[0], node)}
    )


@exports("Reshape")
def export_reshape(node: aidge_core.Node, write: Writer) -> None:
    attributes, names = write.attributes(node), write.inputs(node)
    options = {}
    if attributes["allowzero"] and (0 in attributes["shape"] or len(names) > 1):
        write.need(14, node, "allowzero")
        options["allowzero"] = 1
    write.emit(node, "Reshape", [names[0], write.argument(node, names, 1, "shape")], options)


@exports("Transpose")
def export_transpose(node: aidge_core.Node, write: Writer) -> None:
    order = list(write.attributes(node)["output_dims_order"])
    write.emit(node, "Transpose", write.inputs(node), {"perm": order} if order else {})


@exports("Squeeze", "Unsqueeze")
def export_squeeze(node: aidge_core.Node, write: Writer) -> None:
    inputs, axes = write.inputs(node), list(write.attributes(node)["axes"])
    if not axes:
        write.emit(node, node.type(), inputs)
    elif write.opset < 13:
        extra = len(axes) if node.type() == "Unsqueeze" else 0
        write.emit(node, node.type(), inputs, {"axes": write.axes(axes, inputs[0], node, extra)})
    else:
        write.emit(node, node.type(), [*inputs, write.constant(node, "axes", np.asarray(axes, np.int64))])


def _all_pads(pads: list[int], axes: list[int], rank: int) -> list[int]:
    full = [0] * (2 * rank)
    for index, axis in enumerate(axes):
        axis = axis + rank if axis < 0 else axis
        full[axis], full[rank + axis] = pads[index], pads[len(axes) + index]
    return full


@exports("Pad")
def export_pad(node: aidge_core.Node, write: Writer) -> None:
    attributes, inputs = write.attributes(node), write.inputs(node)
    pads, axes, mode, value = (
        list(attributes["pads"]),
        list(attributes["axes"]),
        attributes["mode"],
        float(attributes["value"]),
    )
    given = inputs[1] if len(inputs) > 1 else ""
    if mode == "wrap":
        write.need(19, node, 'mode "wrap"')
    if given:
        write.need(18 if axes else 11, node, "computed pads")
        inputs = inputs[:1]
    if axes and write.opset < 18:
        pads, axes = _all_pads(pads, axes, write.rank(inputs[0], node)), []
    if write.opset < 11:
        write.emit(node, "Pad", inputs, {"pads": pads, "mode": mode, "value": value})
        return
    inputs.append(given or write.constant(node, "pads", np.asarray(pads, np.int64)))
    if mode == "constant" or axes:
        inputs.append(
            write.constant(node, "value", np.asarray(value, write.dtype(inputs[0])))
            if mode == "constant"
            else ""
        )
    if axes:
        inputs.append(write.constant(node, "axes", np.asarray(axes, np.int64)))
    write.emit(node, "Pad", inputs, {"mode": mode})
