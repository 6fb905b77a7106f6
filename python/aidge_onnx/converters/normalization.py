"""Batch, layer, group and response normalisation."""

from __future__ import annotations

import aidge_core
import numpy as np

from ..reading.builder import Builder, Fresh, NotNative, finite, refuse
from ..reading.source import OnnxNode
from ..reading.symbolic import Sym
from ..registry import exports, imports, spatial_types
from ..writing.writer import Writer


@imports("BatchNormalization")
def import_batch_norm(node: OnnxNode, build: Builder) -> None:
    if node.attributes.get("training_mode", 0) or not node.attributes.get("spatial", 1):
        raise NotNative("training mode or not per channel")
    if any(build.is_read(node, index) for index in range(1, len(node.outputs))):
        raise NotNative("its statistics are used")
    names = ("scale", "bias", "mean", "variance")
    parameters = [build.floats(node, index, name) for index, name in enumerate(names, start=1)]
    if any(array.ndim != 1 or array.shape != parameters[0].shape for array in parameters):
        refuse(node, f"parameters of dims {[list(array.shape) for array in parameters]}")
    dims = build.dims(node.inputs[0])
    if dims is not None and len(dims) > 1 and not isinstance(dims[1], Sym) and dims[1] != parameters[0].size:
        refuse(node, f"data of {dims[1]} channels, but parameters for {parameters[0].size}")
    spatial = 2 if dims is None else min(max(len(dims) - 2, 1), 3)
    build.emit(
        node,
        f"BatchNorm{spatial}D",
        node.inputs[:5],
        {
            "epsilon": finite(node.attributes.get("epsilon", 1e-5), node, "epsilon"),
            "momentum": finite(node.attributes.get("momentum", 0.9), node, "momentum"),
        },
    )


@imports("LRN")
def import_lrn(node: OnnxNode, build: Builder) -> None:
    if "size" not in node.attributes:
        refuse(node, "size is missing")
    defaults = {"alpha": 1e-4, "beta": 0.75, "bias": 1.0}
    attributes = {
        name: finite(node.attributes.get(name, default), node, name) for name, default in defaults.items()
    }
    build.emit(node, "LRN", node.inputs, {"size": int(node.attributes["size"]), **attributes})


@imports("LayerNormalization")
def import_layer_norm(node: OnnxNode, build: Builder) -> None:
    if node.attributes.get("stash_type", 1) != 1:
        raise NotNative("statistics in another type than float32")
    attributes = {
        "axis": int(node.attributes.get("axis", -1)),
        "epsilon": finite(node.attributes.get("epsilon", 1e-5), node, "epsilon"),
    }
    build.emit_all(node, "LayerNorm", node.inputs, attributes)


@imports("GroupNormalization")
def import_group_norm(node: OnnxNode, build: Builder) -> None:
    if "num_groups" not in node.attributes:
        refuse(node, "num_groups is missing")
    epsilon = finite(node.attributes.get("epsilon", 1e-5), node, "epsilon")
    build.emit(
        node, "GroupNorm", node.inputs, {"groups": int(node.attributes["num_groups"]), "epsilon": epsilon}
    )


@imports("MeanVarianceNormalization")
def import_mean_variance(node: OnnxNode, build: Builder) -> None:
    """(x - mean) / (deviation + 1e-9), as ONNX writes it out."""
    data, axes = node.inputs[0], list(node.attributes.get("axes") or [0, 2, 3])
    kind = build.type_name(data)
    if kind not in ("float32", "float64"):
        raise NotNative(f"works on {kind}")
    tiny = Fresh(np.asarray(1e-9, kind), f"{build.name_of(node)}_tiny")
    mean = build.step(node, "ReduceMean", [data], {"axes": axes}, "_mean")
    centred = build.step(node, "Sub", [data, mean], {}, "_centred")
    squares = build.step(node, "Mul", [centred, centred], {}, "_squares")
    variance = build.step(node, "ReduceMean", [squares], {"axes": axes}, "_variance")
    deviation = build.step(node, "Sqrt", [variance], {}, "_deviation")
    divisor = build.step(node, "Add", [deviation, tiny], {}, "_divisor")
    build.emit(node, "Div", [centred, divisor])


@exports("LayerNorm")
def export_layer_norm(node: aidge_core.Node, write: Writer) -> None:
    attributes = write.attributes(node)
    settings = {"axis": int(attributes["axis"]), "epsilon": attributes["epsilon"]}
    write.emit_all(node, "LayerNormalization", write.inputs(node), settings)


@exports("GroupNorm")
def export_group_norm(node: aidge_core.Node, write: Writer) -> None:
    attributes, (data, scale, bias) = write.attributes(node), write.inputs(node)
    groups, epsilon = int(attributes["groups"]), attributes["epsilon"]
    counts = [_length(node, write, index, name) for index, name in ((1, scale), (2, bias))]
    fits = (
        all(count == groups for count in counts)
        if write.opset < 21
        else all(count is None or count != groups for count in counts)
    )
    settings = {"num_groups": groups, "epsilon": epsilon}
    if write.opset >= 18 and fits:
        write.emit(node, "GroupNormalization", [data, scale, bias], settings)
    elif write.opset >= 21:
        parts = [
            _per_channel(node, write, name, index, count, groups)
            for index, name, count in zip((1, 2), (scale, bias), counts, strict=True)
        ]
        write.emit(node, "GroupNormalization", [data, *parts], settings)
    else:
        _write_groups(node, write, counts)


def _length(node: aidge_core.Node, write: Writer, index: int, name: str) -> int | None:
    parent = node.get_parent(index)
    constant = parent is not None and parent.get_operator().is_producer()
    return int(np.size(write.initialisers[name])) if constant else None


def _per_channel(
    node: aidge_core.Node, write: Writer, name: str, index: int, count: int | None, groups: int
) -> str:
    """A parameter with one entry per group, repeated for the group's channels."""
    if count != groups:
        return name
    tensor = node.get_operator().get_input(0)
    if tensor is None or len(tensor.dims) < 2:
        raise ValueError(
            f"[aidge_onnx.export] expected a known number of channels for {node.name()} ({node.type()}), "
            f"got none; compile the graph, or export to opset 18"
        )
    repeated = np.repeat(np.asarray(write.initialisers[name]), tensor.dims[1] // groups)
    return write.constant(node, f"parameter{index}", repeated)


def _write_groups(node: aidge_core.Node, write: Writer, counts: list[int | None]) -> None:
    """Before opset 18, or before 21 for parameters per channel: an InstanceNormalization of the groups."""
    attributes, (data, scale, bias) = write.attributes(node), write.inputs(node)
    groups, dtype = int(attributes["groups"]), write.dtype(data)
    rank = write.rank(data, node)
    if any(count == groups for count in counts):
        write.need(18, node, "parameters per group")
    shape = write.step(node, "Shape", [data], {}, "shape")
    target = write.constant(node, "groups", np.asarray([0, groups, -1], np.int64))
    rows = write.step(node, "Reshape", [data, target], {}, "grouped")
    ones, zeros = (
        write.constant(node, name, np.full(groups, value, dtype))
        for name, value in (("ones", 1), ("zeros", 0))
    )
    normal = write.step(
        node, "InstanceNormalization", [rows, ones, zeros], {"epsilon": attributes["epsilon"]}, "normal"
    )
    back = write.step(node, "Reshape", [normal, shape], {}, "ungrouped")
    column = write.constant(node, "column", np.asarray([-1, *[1] * (rank - 2)], np.int64))
    scale, bias = (
        write.step(node, "Reshape", [name, column], {}, suffix)
        for name, suffix in ((scale, "scale"), (bias, "bias"))
    )
    write.emit(node, "Add", [write.step(node, "Mul", [back, scale], {}, "scaled"), bias])


@exports(*spatial_types("BatchNorm"))
def export_batch_norm(node: aidge_core.Node, write: Writer) -> None:
    attributes = write.attributes(node)
    write.emit(
        node,
        "BatchNormalization",
        write.inputs(node),
        {"epsilon": attributes["epsilon"], "momentum": attributes["momentum"]},
    )


@exports("LRN")
def export_lrn(node: aidge_core.Node, write: Writer) -> None:
    attributes = write.attributes(node)
    write.emit(
        node,
        "LRN",
        write.inputs(node),
        {name: attributes[name] for name in ("size", "alpha", "beta", "bias")},
    )
