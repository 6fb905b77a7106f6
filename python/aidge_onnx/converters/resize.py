"""Resize and Upsample in all their forms, DepthToSpace and SpaceToDepth."""

from __future__ import annotations

from typing import Any

import aidge_core
import numpy as np

from ..reading.builder import Builder, NotNative, refuse
from ..reading.source import OnnxNode
from ..registry import exports, imports
from ..writing.writer import Writer

_TEXTS = {
    "coordinate_transformation_mode": "half_pixel",
    "nearest_mode": "round_prefer_floor",
    "keep_aspect_ratio_policy": "stretch",
}
_FLAGS = ("exclude_outside", "antialias")
_FLOATS = {"cubic_coeff_a": -0.75, "extrapolation_value": 0.0}


@imports("Upsample")
def import_upsample(node: OnnxNode, build: Builder) -> None:
    _import_old(node, build, always_floor=True)


@imports("Resize")
def import_resize(node: OnnxNode, build: Builder) -> None:
    if build.opset < 11:
        _import_old(node, build, always_floor=False)
        return
    attributes: dict[str, Any] = {"mode": node.attributes.get("mode", "nearest")}
    attributes |= {name: str(node.attributes.get(name, default)) for name, default in _TEXTS.items()}
    attributes |= {name: bool(node.attributes.get(name, 0)) for name in _FLAGS}
    attributes |= {name: float(node.attributes.get(name, default)) for name, default in _FLOATS.items()}
    attributes["axes"] = [int(axis) for axis in node.attributes.get("axes", [])]
    given, extras = build.arguments(node, 1, "roi", "scales", "sizes")
    if attributes["coordinate_transformation_mode"] != "tf_crop_and_resize":
        given.pop("roi", None)
        if extras:
            extras[0] = ""
    # An empty list stands for an absent one where the other is given (opset 11 demands all inputs).
    if len(extras) > 2 and extras[2]:
        extras[1] = ""
        given.pop("scales", None)
    while extras and not extras[-1]:
        extras.pop()
    build.emit(node, "Resize", [node.inputs[0], *extras], {**attributes, **given})


def _import_old(node: OnnxNode, build: Builder, *, always_floor: bool) -> None:
    """Before opset 11: coordinates are divided by the scales; nearest rounds down, but Resize rounds up where
    it shrinks."""
    given, extras = (
        ({"scales": list(node.attributes["scales"])}, [])
        if "scales" in node.attributes
        else build.arguments(node, 1, "scales")
    )
    mode = node.attributes.get("mode", "nearest")
    nearest = "floor"
    if not always_floor and mode == "nearest":
        if "scales" not in given:
            raise NotNative("scales are computed")
        shrinks = [float(scale) < 1.0 for scale in given["scales"]]
        if any(shrinks):
            if any(float(scale) > 1.0 for scale in given["scales"]):
                raise NotNative("shrinks and grows")
            nearest = "ceil"
    attributes = {
        "mode": "linear" if mode == "bilinear" else mode,
        "coordinate_transformation_mode": "asymmetric",
        "nearest_mode": nearest,
        **given,
    }
    build.emit(node, "Resize", [node.inputs[0], "", *extras] if extras else node.inputs[:1], attributes)


@imports("DepthToSpace", "SpaceToDepth")
def import_blocks(node: OnnxNode, build: Builder) -> None:
    if "blocksize" not in node.attributes:
        refuse(node, "blocksize is missing")
    attributes = {"blocksize": int(node.attributes["blocksize"])}
    if node.op == "DepthToSpace":
        attributes["mode"] = node.attributes.get("mode", "DCR")
    elif node.attributes.get("mode", "DCR") != "DCR":
        raise NotNative("of another order than DCR")
    build.emit(node, node.op, node.inputs, attributes)


# --- export -------------------------------------------------------------------------------------------------
@exports("Resize")
def export_resize(node: aidge_core.Node, write: Writer) -> None:
    attributes, names = write.attributes(node), write.inputs(node)
    if write.opset < 11:
        _export_old(node, write, names, attributes)
        return
    names += [""] * (4 - len(names))
    options: dict[str, Any] = {"mode": attributes["mode"]}
    options |= {name: attributes[name] for name, default in _TEXTS.items() if attributes[name] != default}
    options |= {name: 1 for name in _FLAGS if attributes[name]}
    options |= {name: float(attributes[name]) for name, value in _FLOATS.items() if attributes[name] != value}
    if attributes["axes"]:
        options["axes"] = list(attributes["axes"])
    if "axes" in options or "antialias" in options or "keep_aspect_ratio_policy" in options:
        write.need(18, node, "axes, antialias or keep_aspect_ratio_policy")
    transformation = attributes["coordinate_transformation_mode"]
    if transformation == "half_pixel_symmetric":
        write.need(19, node, transformation)
    if transformation == "tf_half_pixel_for_nn" and write.opset > 12:
        raise ValueError(
            f"[aidge_onnx.export] expected opset 11 or 12 for {transformation} of {node.name()} (Resize), "
            f"got {write.opset}"
        )
    inputs = [names[0]]
    for index, key in ((1, "roi"), (2, "scales")):
        values = np.asarray(attributes[key], np.float32)
        # Opset 11 demands roi and scales, empty if they say nothing.
        wanted = values.size or write.opset < 13
        inputs.append(names[index] or (write.constant(node, key, values) if wanted else ""))
    if names[3] or attributes["sizes"]:
        inputs.append(write.argument(node, names, 3, "sizes"))
    write.emit(node, "Resize", inputs, options)


def _export_old(node: aidge_core.Node, write: Writer, names: list[str], attributes: dict[str, Any]) -> None:
    grows = all(float(scale) >= 1.0 for scale in attributes["scales"])
    plain = (
        attributes["coordinate_transformation_mode"] == "asymmetric"
        and attributes["mode"] in ("nearest", "linear")
        and (attributes["mode"] == "linear" or (attributes["nearest_mode"] == "floor" and grows))
        and not (attributes["axes"] or attributes["sizes"] or attributes["antialias"])
    )
    if not plain or (len(names) > 3 and names[3]):
        write.need(11, node, "this form")
    options: dict[str, Any] = {"mode": attributes["mode"]}
    scales = np.asarray(attributes["scales"], np.float32)
    if write.opset < 9:
        if len(names) > 1:
            write.need(9, node, "computed scales")
        write.emit(node, "Upsample", names[:1], {**options, "scales": [float(scale) for scale in scales]})
        return
    given = names[2] if len(names) > 2 else write.constant(node, "scales", scales)
    write.emit(node, "Resize" if write.opset == 10 else "Upsample", [names[0], given], options)


@exports("DepthToSpace", "SpaceToDepth")
def export_blocks(node: aidge_core.Node, write: Writer) -> None:
    attributes = write.attributes(node)
    options: dict[str, Any] = {"blocksize": int(attributes["blocksize"])}
    if attributes.get("mode", "DCR") != "DCR":
        write.need(11, node, "mode")
        options["mode"] = attributes["mode"]
    write.emit(node, node.type(), write.inputs(node), options)
