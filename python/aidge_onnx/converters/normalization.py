"""BatchNormalization and LRN."""

from __future__ import annotations

import aidge_core

from ..builder import Builder, NotNative, finite, refuse
from ..source import OnnxNode
from ..symbolic import Sym
from ..writer import Writer
from .registry import exports, imports, spatial_types


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
