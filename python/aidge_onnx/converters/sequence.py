"""TopK and ReverseSequence."""

from __future__ import annotations

from typing import Any

import aidge_core

from ..reading.builder import Builder
from ..reading.source import OnnxNode
from ..registry import exports, imports
from ..writing.writer import Writer


@imports("TopK")
def import_top_k(node: OnnxNode, build: Builder) -> None:
    attributes: dict[str, Any]
    extras: list[str] = []
    if "k" in node.attributes:
        attributes = {"k": [int(node.attributes["k"])]}
    else:
        attributes, extras = build.arguments(node, 1, "k")
    options = {name: bool(node.attributes.get(name, 1)) for name in ("largest", "sorted")}
    build.emit(
        node,
        "TopK",
        [node.inputs[0], *extras],
        {**attributes, **options, "axis": int(node.attributes.get("axis", -1))},
    )


@imports("ReverseSequence")
def import_reverse_sequence(node: OnnxNode, build: Builder) -> None:
    axes = {
        "batch_axis": int(node.attributes.get("batch_axis", 1)),
        "time_axis": int(node.attributes.get("time_axis", 0)),
    }
    build.emit(node, "ReverseSequence", node.inputs, axes)


# --- export -------------------------------------------------------------------------------------------------
@exports("TopK")
def export_top_k(node: aidge_core.Node, write: Writer) -> None:
    attributes, names = write.attributes(node), write.inputs(node)
    options = {"axis": write.axis(int(attributes["axis"]), names[0], node)}
    if not (attributes["largest"] and attributes["sorted"]):
        write.need(11, node, "largest and sorted")
        options |= {name: int(attributes[name]) for name in ("largest", "sorted")}
    if len(names) > 1:
        write.need(10, node, "a computed k")
    if write.opset < 10:
        write.emit(node, "TopK", names[:1], {**options, "k": int(attributes["k"][0])})
    else:
        write.emit(node, "TopK", [names[0], write.argument(node, names, 1, "k")], options)


@exports("ReverseSequence")
def export_reverse_sequence(node: aidge_core.Node, write: Writer) -> None:
    write.need(10, node, "the operator")
    attributes = write.attributes(node)
    options = {name: int(attributes[name]) for name in ("batch_axis", "time_axis")}
    write.emit(node, "ReverseSequence", write.inputs(node), options)
