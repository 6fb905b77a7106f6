"""MaxPool, AveragePool and GlobalAveragePool."""

from __future__ import annotations

from typing import Any

import aidge_core

from ..builder import Builder, NotNative, refuse
from ..source import OnnxNode
from ..writer import Writer
from .registry import exports, imports, spatial_types
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
    if build.is_read(node, 1):
        raise NotNative("the indices are used")
    suffix, attributes = _window(node)
    build.emit(node, "MaxPooling" + suffix, node.inputs, attributes)


@imports("AveragePool")
def import_average_pool(node: OnnxNode, build: Builder) -> None:
    suffix, attributes = _window(node)
    attributes["count_include_pad"] = bool(node.attributes.get("count_include_pad", 0))
    build.emit(node, "AvgPooling" + suffix, node.inputs, attributes)


@imports("GlobalAveragePool")
def import_global_average_pool(node: OnnxNode, build: Builder) -> None:
    build.emit(node, "GlobalAveragePooling", node.inputs)


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


@exports("GlobalAveragePooling")
def export_global_average_pool(node: aidge_core.Node, write: Writer) -> None:
    write.emit(node, "GlobalAveragePool", write.inputs(node))
