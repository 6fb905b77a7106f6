"""Attributes that convolutions and poolings share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..reading.builder import NotNative, refuse
from ..reading.source import OnnxNode

__all__ = ["export_window", "import_window"]

_MODES = ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")


def import_window(node: OnnxNode, kernel: Sequence[int]) -> dict[str, Any]:
    """kernel_dims, stride_dims, dilation_dims, padding_dims and auto_pad of a node with one to three
    spatial axes."""
    axes = len(kernel)
    if axes not in (1, 2, 3):
        raise NotNative(f"{axes} spatial axes")
    mode = node.attributes.get("auto_pad", "NOTSET") or "NOTSET"
    if mode not in _MODES:
        refuse(node, f"auto_pad is {mode!r}")
    pads = _ints(node, "pads", 2 * axes, 0) if mode == "NOTSET" else [0] * (2 * axes)
    if min(pads) < 0:
        refuse(node, f"negative padding {pads}")
    return {
        "kernel_dims": [int(extent) for extent in kernel],
        "stride_dims": _ints(node, "strides", axes, 1),
        "dilation_dims": _ints(node, "dilations", axes, 1),
        "padding_dims": pads,
        "auto_pad": mode,
    }


def _ints(node: OnnxNode, name: str, count: int, default: int) -> list[int]:
    values = node.attributes.get(name) or [default] * count
    if len(values) != count:
        refuse(node, f"{name} has {len(values)} entries, expected {count}")
    return [int(value) for value in values]


def export_window(attributes: dict[str, Any], kernel: Sequence[int]) -> dict[str, Any]:
    """kernel_shape, strides, dilations and pads or auto_pad."""
    result: dict[str, Any] = {
        "kernel_shape": list(kernel),
        "strides": list(attributes["stride_dims"]),
        "dilations": list(attributes["dilation_dims"]),
    }
    if attributes["auto_pad"] == "NOTSET":
        result["pads"] = list(attributes["padding_dims"])
    else:
        result["auto_pad"] = attributes["auto_pad"]
    return result
