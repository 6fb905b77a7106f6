"""Activations and Softmax."""

from __future__ import annotations

import math

import aidge_core
import numpy as np

from ..reading.builder import Builder, Fresh, NotNative, Value, finite, refuse, scalar
from ..reading.source import OnnxNode
from ..reading.symbolic import Sym
from ..registry import exports, imports
from ..writing.writer import Writer


@imports("HardSwish")
def import_hard_swish(node: OnnxNode, build: Builder) -> None:
    build.emit(node, "HardSwish", node.inputs)


@imports("Mish", "Swish")
def import_gated(node: OnnxNode, build: Builder) -> None:
    alpha = node.attributes.get("alpha")
    build.emit(node, node.op, node.inputs, {} if alpha is None else {"alpha": finite(alpha, node, "alpha")})


@imports("PRelu")
def import_prelu(node: OnnxNode, build: Builder) -> None:
    slope = build.required_constant(node, 1, "the slope") if build.source.is_upgraded else None
    rank = build.source.type_of(node.inputs[0]).rank
    if slope is None or slope.size == 1:
        build.emit(node, "PReLU", node.inputs)
    elif rank is None or slope.ndim != 1:
        raise NotNative("before opset 7 on data of unknown rank")
    else:
        # Before opset 7 the slope was a list with one value per channel (axis 1).
        per_channel = Fresh(slope.reshape(-1, *[1] * (rank - 2)), node.inputs[1])
        build.emit(node, "PReLU", [node.inputs[0], per_channel])


@imports("Gelu")
def import_gelu(node: OnnxNode, build: Builder) -> None:
    form = node.attributes.get("approximate", "none")
    if form not in ("none", "tanh"):
        refuse(node, f"approximate is {form!r}")
    build.emit(node, "GeLU", node.inputs, {"approximate": form})


@imports("Clip")
def import_clip(node: OnnxNode, build: Builder) -> None:
    arrays = {name: build.constant(node, index) for index, name in enumerate(("min", "max"), start=1)}
    if any(
        array is None and build.has_input(node, index) for index, array in enumerate(arrays.values(), start=1)
    ):
        _emit_computed_clip(node, build)
        return
    bounds = {"min": -math.inf, "max": math.inf}
    for name, array in arrays.items():
        if name in node.attributes:
            bounds[name] = float(node.attributes[name])
        elif array is not None:
            bounds[name] = scalar(array, node, name)
    if any(math.isnan(bound) for bound in bounds.values()):
        refuse(node, "a bound is not a number")
    wide = [array for array in arrays.values() if array is not None and array.dtype.kind in "iu"]
    if bounds["min"] > bounds["max"] or any(abs(int(array)) > 1 << 53 for array in wide):
        _emit_computed_clip(node, build)
        return
    build.emit(node, "Clip", node.inputs[:1], bounds)


def _emit_computed_clip(node: OnnxNode, build: Builder) -> None:
    """min(max(x, low), high), for bounds that no attribute can hold."""
    if len(node.inputs) < 2:
        raise NotNative("min is above max")
    low, high = (build.has_input(node, index) for index in (1, 2))
    data: str | Value = node.inputs[0]
    if low and not high:
        build.emit(node, "Max", [data, node.inputs[1]])
        return
    if low:
        data = build.step(node, "Max", [data, node.inputs[1]], {}, "_low")
    build.emit(node, "Min", [data, node.inputs[2]])


@imports("Softmax", "LogSoftmax", "Hardmax")
def import_softmax(node: OnnxNode, build: Builder) -> None:
    if build.opset >= 13:
        build.emit(node, node.op, node.inputs, {"axis": int(node.attributes.get("axis", -1))})
        return
    dims = build.dims(node.inputs[0])
    if dims is None:
        raise NotNative("before opset 13 on data of unknown rank")
    axis = int(node.attributes.get("axis", 1))
    axis = axis + len(dims) if axis < 0 else axis
    if not 0 <= axis <= len(dims):
        refuse(node, f"axis {axis} for data of rank {len(dims)}")
    wide = [index for index in range(axis, len(dims)) if dims[index] != 1]
    if axis < len(dims) and len(wide) <= 1:
        # The flattened part has one axis that counts: a softmax over this axis is the same.
        build.emit(node, node.op, node.inputs, {"axis": wide[0] if wide else axis})
        return
    _emit_flattened(node, build, dims, axis)


def _emit_flattened(node: OnnxNode, build: Builder, dims: tuple[int | Sym, ...], axis: int) -> None:
    """Softmax over all axes from `axis` on, as before opset 13."""
    if sum(isinstance(dim, Sym) for dim in dims) > 1 or 0 in dims:
        raise NotNative("before opset 13 on data with several free or empty dims")
    rows: Value = build.step(node, "Flatten", node.inputs, {"axis": axis}, "_flatten")
    result = build.step(node, node.op, [rows], {"axis": 1}, "_rows")
    build.emit(node, "Reshape", [result], {"shape": [-1 if isinstance(dim, Sym) else dim for dim in dims]})


# --- export -------------------------------------------------------------------------------------------------
@exports("HardSwish")
def export_hard_swish(node: aidge_core.Node, write: Writer) -> None:
    (data,) = write.inputs(node)
    if write.opset >= 14:
        write.emit(node, "HardSwish", [data])
        return
    gate = write.step(node, "HardSigmoid", [data], {"alpha": 1.0 / 6.0, "beta": 0.5}, "gate")
    write.emit(node, "Mul", [data, gate])


@exports("Mish")
def export_mish(node: aidge_core.Node, write: Writer) -> None:
    (data,) = write.inputs(node)
    if write.opset >= 18:
        write.emit(node, "Mish", [data])
        return
    curve = write.step(node, "Tanh", [write.step(node, "Softplus", [data], {}, "softplus")], {}, "tanh")
    write.emit(node, "Mul", [data, curve])


@exports("Swish")
def export_swish(node: aidge_core.Node, write: Writer) -> None:
    (data,), alpha = write.inputs(node), float(write.attributes(node)["alpha"])
    if write.opset >= 24:
        write.emit(node, "Swish", [data], {"alpha": alpha})
        return
    scaled = data
    if alpha != 1.0:
        factor = write.constant(node, "alpha", np.asarray(alpha, write.dtype(data)))
        scaled = write.step(node, "Mul", [data, factor], {}, "scaled")
    write.emit(node, "Mul", [data, write.step(node, "Sigmoid", [scaled], {}, "gate")])


@exports("PReLU")
def export_prelu(node: aidge_core.Node, write: Writer) -> None:
    write.emit(node, "PRelu", write.inputs(node))


@exports("GeLU")
def export_gelu(node: aidge_core.Node, write: Writer) -> None:
    (data,), form = write.inputs(node), write.attributes(node)["approximate"]
    if write.opset >= 20:
        write.emit(node, "Gelu", [data], {"approximate": form})
        return

    dtype = write.dtype(data)

    def number(name: str, value: float) -> str:
        return write.constant(node, name, np.asarray(value, dtype))

    if form == "tanh":
        cubed = write.step(node, "Pow", [data, number("three", 3.0)], {}, "cube")
        scaled = write.step(node, "Mul", [cubed, number("c3", 0.044715)], {}, "scaled_cube")
        total = write.step(node, "Add", [data, scaled], {}, "polynomial")
        inner = write.step(node, "Mul", [total, number("root", math.sqrt(2.0 / math.pi))], {}, "argument")
        curve = write.step(node, "Tanh", [inner], {}, "tanh")
    else:
        write.need(9, node, "Erf")
        inner = write.step(node, "Div", [data, number("root", math.sqrt(2.0))], {}, "argument")
        curve = write.step(node, "Erf", [inner], {}, "erf")
    shifted = write.step(node, "Add", [curve, number("one", 1.0)], {}, "shifted")
    product = write.step(node, "Mul", [data, shifted], {}, "product")
    write.emit(node, "Mul", [product, number("half", 0.5)])


@exports("Clip")
def export_clip(node: aidge_core.Node, write: Writer) -> None:
    attributes, inputs = write.attributes(node), write.inputs(node)
    bounds = {name: float(attributes[name]) for name in ("min", "max")}
    if write.opset < 11:
        write.emit(
            node, "Clip", inputs, {name: bound for name, bound in bounds.items() if math.isfinite(bound)}
        )
        return
    dtype = write.dtype(inputs[0])
    for name, bound in bounds.items():
        inputs.append(write.constant(node, name, np.asarray(bound, dtype)) if math.isfinite(bound) else "")
    while not inputs[-1]:
        inputs.pop()
    write.emit(node, "Clip", inputs)


@exports("Softmax", "LogSoftmax", "Hardmax")
def export_softmax(node: aidge_core.Node, write: Writer) -> None:
    (data,), axis = write.inputs(node), int(write.attributes(node)["axis"])
    if write.opset >= 13:
        write.emit(node, node.type(), [data], {"axis": axis})
        return
    rank = write.rank(data, node)
    axis = axis + rank if axis < 0 else axis
    if axis == rank - 1:
        write.emit(node, node.type(), [data], {"axis": axis})
        return
    order = [index for index in range(rank) if index != axis] + [axis]
    turned = write.step(node, "Transpose", [data], {"perm": order}, "turned")
    result = write.step(node, node.type(), [turned], {"axis": rank - 1}, "rows")
    write.emit(node, "Transpose", [result], {"perm": [order.index(index) for index in range(rank)]})
