"""MaxPool, AveragePool, LpPool and their global forms."""

from __future__ import annotations

from typing import Any

import aidge_core

from ..reading.builder import Builder, refuse
from ..reading.source import OnnxNode
from ..registry import exports, imports, spatial_types
from ..writing.writer import Writer
from .windows import export_window, import_window


def _window(node: OnnxNode) -> tuple[str, dict[str, Any]]:
    kernel = node.attributes.get("kernel_shape")
    if not kernel:
        refuse(node, "kernel_shape is missing")
    attributes = import_window(node, kernel)
    attributes["ceil_mode"] = bool(node.attributes.get("ceil_mode", 0))
    return f"{len(kernel)}D", attributes


@imports("MaxPool")
def import_max_pool(node: OnnxNode, build: Builder) -> None:
    suffix, attributes = _window(node)
    if build.is_read(node, 1):
        attributes["column_major"] = bool(node.attributes.get("storage_order", 0))
        suffix = "Indices" + suffix
    build.emit(node, "MaxPooling" + suffix, node.inputs, attributes)


@imports("AveragePool")
def import_average_pool(node: OnnxNode, build: Builder) -> None:
    suffix, attributes = _window(node)
    attributes["count_include_pad"] = bool(node.attributes.get("count_include_pad", 0))
    build.emit(node, "AvgPooling" + suffix, node.inputs, attributes)


@imports("LpPool")
def import_lp_pool(node: OnnxNode, build: Builder) -> None:
    suffix, attributes = _window(node)
    build.emit(node, "LpPooling" + suffix, node.inputs, {**attributes, "p": int(node.attributes.get("p", 2))})


_GLOBAL = {"GlobalAveragePool": "GlobalAveragePooling", "GlobalMaxPool": "GlobalMaxPooling"}


@imports(*_GLOBAL)
def import_global_pool(node: OnnxNode, build: Builder) -> None:
    build.emit(node, _GLOBAL[node.op], node.inputs)


@imports("GlobalLpPool")
def import_global_lp_pool(node: OnnxNode, build: Builder) -> None:
    build.emit(node, "GlobalLpPooling", node.inputs, {"p": int(node.attributes.get("p", 2))})


def _export_window(node: aidge_core.Node, write: Writer, dilations_since: int) -> dict[str, Any]:
    attributes = write.attributes(node)
    result = export_window(attributes, attributes["kernel_dims"])
    if any(extent != 1 for extent in result["dilations"]):
        write.need(dilations_since, node, "dilations")
    else:
        del result["dilations"]
    if attributes["ceil_mode"]:
        write.need(10, node, "ceil_mode")
        result["ceil_mode"] = 1
    return result


@exports(*spatial_types("MaxPooling"))
def export_max_pool(node: aidge_core.Node, write: Writer) -> None:
    write.emit(node, "MaxPool", write.inputs(node), _export_window(node, write, 10))


@exports(*spatial_types("AvgPooling"))
def export_average_pool(node: aidge_core.Node, write: Writer) -> None:
    result = _export_window(node, write, 19)
    if write.attributes(node)["count_include_pad"]:
        result["count_include_pad"] = 1
    write.emit(node, "AveragePool", write.inputs(node), result)


@exports(*spatial_types("MaxPoolingIndices"))
def export_max_pool_indices(node: aidge_core.Node, write: Writer) -> None:
    write.need(8, node, "the indices")
    result = _export_window(node, write, 10)
    if write.attributes(node)["column_major"]:
        result["storage_order"] = 1
    write.emit(node, "MaxPool", write.inputs(node), result)


@exports(*spatial_types("LpPooling"))
def export_lp_pool(node: aidge_core.Node, write: Writer) -> None:
    attributes = write.attributes(node)
    if attributes["ceil_mode"]:
        write.need(18, node, "ceil_mode")
    result = _export_window(node, write, 18)
    write.emit(node, "LpPool", write.inputs(node), {**result, "p": int(attributes["p"])})


@exports(*_GLOBAL.values())
def export_global_pool(node: aidge_core.Node, write: Writer) -> None:
    (op,) = (name for name, kind in _GLOBAL.items() if kind == node.type())
    write.emit(node, op, write.inputs(node))


@exports("GlobalLpPooling")
def export_global_lp_pool(node: aidge_core.Node, write: Writer) -> None:
    write.emit(node, "GlobalLpPool", write.inputs(node), {"p": int(write.attributes(node)["p"])})
