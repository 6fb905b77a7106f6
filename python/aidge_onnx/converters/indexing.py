"""Slice, Split, and elements at computed places: Gather, GatherElements, GatherND, ScatterElements,
ScatterND."""

from __future__ import annotations

from typing import Any

import aidge_core

from ..reading.builder import Builder, refuse
from ..reading.source import OnnxNode
from ..registry import exports, imports
from ..writing.writer import Writer


@imports("Slice")
def import_slice(node: OnnxNode, build: Builder) -> None:
    attributes, extras = build.arguments(node, 1, "starts", "ends", "axes", "steps")
    build.emit(node, "Slice", [node.inputs[0], *extras], attributes)


@imports("Split")
def import_split(node: OnnxNode, build: Builder) -> None:
    attributes, extras = build.arguments(node, 1, "split")
    count = int(node.attributes.get("num_outputs", len(node.outputs)))
    if count != len(node.outputs):
        refuse(node, f"num_outputs is {count}, but there are {len(node.outputs)} outputs")
    places = {"axis": int(node.attributes.get("axis", 0)), "num_outputs": count}
    build.emit(node, "Split", [node.inputs[0], *extras], {**attributes, **places})


@imports("Gather", "GatherElements")
def import_gather(node: OnnxNode, build: Builder) -> None:
    build.emit(node, node.op, node.inputs, {"axis": int(node.attributes.get("axis", 0))})


@imports("GatherND")
def import_gather_nd(node: OnnxNode, build: Builder) -> None:
    build.emit(node, "GatherND", node.inputs, {"batch_dims": int(node.attributes.get("batch_dims", 0))})


@imports("Scatter", "ScatterElements")
def import_scatter_elements(node: OnnxNode, build: Builder) -> None:
    attributes = {
        "axis": int(node.attributes.get("axis", 0)),
        "reduction": str(node.attributes.get("reduction", "none")),
    }
    build.emit(node, "ScatterElements", node.inputs, attributes)


@imports("ScatterND")
def import_scatter_nd(node: OnnxNode, build: Builder) -> None:
    build.emit(node, "ScatterND", node.inputs, {"reduction": str(node.attributes.get("reduction", "none"))})


# --- export -------------------------------------------------------------------------------------------------
@exports("Slice")
def export_slice(node: aidge_core.Node, write: Writer) -> None:
    attributes, names = write.attributes(node), write.inputs(node)
    if write.opset >= 10:
        lists = [write.argument(node, names, 1, "starts"), write.argument(node, names, 2, "ends")]
        lists += [write.argument(node, names, index, key, "") for index, key in ((3, "axes"), (4, "steps"))]
        while not lists[-1]:
            lists.pop()
        write.emit(node, "Slice", [names[0], *lists])
        return
    if len(names) > 1 or any(step != 1 for step in attributes["steps"]):
        write.need(10, node, "steps or computed bounds")
    options = {key: list(attributes[key]) for key in ("starts", "ends")}
    if attributes["axes"]:
        options["axes"] = write.axes(list(attributes["axes"]), names[0], node)
    write.emit(node, "Slice", names[:1], options)


@exports("Split")
def export_split(node: aidge_core.Node, write: Writer) -> None:
    attributes, names = write.attributes(node), write.inputs(node)
    options: dict[str, Any] = {"axis": write.axis(int(attributes["axis"]), names[0], node)}
    if len(names) > 1:
        write.need(13, node, "computed parts")
    if write.opset < 13:
        if attributes["split"]:
            options["split"] = list(attributes["split"])
        write.emit(node, "Split", names[:1], options)
        return
    parts = write.argument(node, names, 1, "split", "")
    if not parts and write.opset >= 18:
        options["num_outputs"] = int(attributes["num_outputs"])
    write.emit(node, "Split", [names[0], parts] if parts else names[:1], options)


@exports("Gather", "GatherElements")
def export_gather(node: aidge_core.Node, write: Writer) -> None:
    if node.type() == "GatherElements":
        write.need(11, node, "the operator")
    names = write.inputs(node)
    axis = write.axis(int(write.attributes(node)["axis"]), names[0], node)
    write.emit(node, node.type(), names, {"axis": axis})


@exports("GatherND")
def export_gather_nd(node: aidge_core.Node, write: Writer) -> None:
    shared = int(write.attributes(node)["batch_dims"])
    write.need(12 if shared else 11, node, "batch_dims" if shared else "the operator")
    write.emit(node, "GatherND", write.inputs(node), {"batch_dims": shared} if shared else {})


@exports("ScatterElements", "ScatterND")
def export_scatter(node: aidge_core.Node, write: Writer) -> None:
    attributes = write.attributes(node)
    reduction = attributes["reduction"]
    options = {"axis": int(attributes["axis"])} if "axis" in attributes else {}
    kind = node.type()
    if kind == "ScatterElements" and reduction == "none" and write.opset < 11:
        kind = "Scatter"
        write.need(9, node, "the operator")
    else:
        write.need({"none": 11, "add": 16, "mul": 16}.get(reduction, 18), node, f'reduction "{reduction}"')
    if reduction != "none":
        options["reduction"] = reduction
    write.emit(node, kind, write.inputs(node), options)
