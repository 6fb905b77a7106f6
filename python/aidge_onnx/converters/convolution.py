"""Conv and ConvTranspose."""

from __future__ import annotations

import aidge_core

from ..reading.builder import Array, Builder, NotNative, refuse
from ..reading.source import OnnxNode
from ..reading.symbolic import Sym
from ..registry import exports, imports, spatial_types
from ..writing.writer import Writer
from .windows import export_window, import_window


def _weight(node: OnnxNode, build: Builder) -> Array:
    weight = build.floats(node, 1, "the weight")
    if not 3 <= weight.ndim <= 5:
        raise NotNative(f"weight of rank {weight.ndim}")
    kernel = list(node.attributes.get("kernel_shape") or weight.shape[2:])
    if kernel != list(weight.shape[2:]):
        refuse(node, f"kernel_shape {kernel} does not fit the weight's dims {list(weight.shape)}")
    if weight.size == 0:
        refuse(node, f"an empty weight of dims {list(weight.shape)}")
    return weight


def _check_channels(node: OnnxNode, build: Builder, channels: int, outputs: int) -> None:
    dims = build.dims(node.inputs[0])
    if dims is not None and len(dims) > 1 and not isinstance(dims[1], Sym) and dims[1] != channels:
        refuse(node, f"data of {dims[1]} channels, but the weight is for {channels}")
    if build.has_input(node, 2):
        bias = build.floats(node, 2, "the bias")
        if bias.shape != (outputs,):
            refuse(node, f"a bias of dims {list(bias.shape)}, expected [{outputs}]")


def _inputs(node: OnnxNode) -> list[str]:
    return [name for name in node.inputs[:3] if name]


@imports("Conv")
def import_conv(node: OnnxNode, build: Builder) -> None:
    weight, groups = _weight(node, build), int(node.attributes.get("group", 1))
    if weight.shape[0] % groups:
        refuse(node, f"{weight.shape[0]} output channels in {groups} groups")
    attributes = import_window(node, weight.shape[2:])
    _check_channels(node, build, weight.shape[1] * groups, weight.shape[0])
    build.emit(node, f"Conv{weight.ndim - 2}D", _inputs(node), {**attributes, "groups": groups})


@imports("ConvTranspose")
def import_conv_transpose(node: OnnxNode, build: Builder) -> None:
    weight, groups = _weight(node, build), int(node.attributes.get("group", 1))
    if weight.shape[0] % groups:
        refuse(node, f"{weight.shape[0]} input channels in {groups} groups")
    axes = weight.ndim - 2
    attributes = import_window(node, weight.shape[2:])
    attributes["output_padding"] = list(node.attributes.get("output_padding") or [0] * axes)
    attributes["output_shape"] = list(node.attributes.get("output_shape") or [])[-axes:]
    _check_channels(node, build, weight.shape[0], weight.shape[1] * groups)
    build.emit(node, f"ConvTranspose{axes}D", _inputs(node), {**attributes, "groups": groups})


@exports(*spatial_types("Conv"))
def export_conv(node: aidge_core.Node, write: Writer) -> None:
    attributes = write.attributes(node)
    write.emit(
        node,
        "Conv",
        write.inputs(node),
        {**export_window(attributes, write.kernel(node)), "group": attributes["groups"]},
    )


@exports(*spatial_types("ConvTranspose"))
def export_conv_transpose(node: aidge_core.Node, write: Writer) -> None:
    attributes = write.attributes(node)
    result = {**export_window(attributes, write.kernel(node)), "group": attributes["groups"]}
    if attributes["output_shape"]:
        result["output_shape"] = list(attributes["output_shape"])
        result.pop("pads", None)
    if any(attributes["output_padding"]):
        result["output_padding"] = list(attributes["output_padding"])
    write.emit(node, "ConvTranspose", write.inputs(node), result)
