"""Operators that are not native: their NodeProto travels in the graph and comes out unchanged."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import aidge_core
from google.protobuf.message import DecodeError  # type: ignore[import-untyped,unused-ignore]
from onnx import GraphProto, NodeProto

from .checks import subgraphs

__all__ = ["GenericNode", "rename_captured"]

_NODE, _DOMAIN, _OPSET, _CAPTURED, _REASON = (
    "onnx_node",
    "onnx_domain",
    "onnx_opset",
    "onnx_captured",
    "onnx_reason",
)


@dataclass(frozen=True)
class GenericNode:
    """What a generic operator keeps.

    The node, its domain and opset, the outer values that graphs inside it read (they are inputs after its
    own), and why it is not native.
    """

    proto: NodeProto
    domain: str
    opset: int
    captured: tuple[str, ...]
    reason: str

    def type(self) -> str:
        """The operator type in the graph; never that of a native operator."""
        kind = f"{self.domain}::{self.proto.op_type}" if self.domain else self.proto.op_type
        return f"onnx::{kind}" if kind in aidge_core.operator_types() else kind

    def attributes(self) -> dict[str, Any]:
        """As attributes of a generic operator."""
        text = base64.b64encode(self.proto.SerializeToString(deterministic=True)).decode("ascii")
        return {
            _NODE: text,
            _DOMAIN: self.domain,
            _OPSET: self.opset,
            _CAPTURED: list(self.captured),
            _REASON: self.reason,
        }

    @classmethod
    def of(cls, node: aidge_core.Node) -> GenericNode:
        """Reads it back. ValueError where the node did not come from ONNX."""
        attributes = node.get_operator().attr
        if not attributes.has_attr(_NODE):
            raise ValueError(
                f"[aidge_onnx.export] expected a generic operator that came from ONNX, got "
                f"{node.name()} ({node.type()})"
            )
        proto = NodeProto()
        try:
            proto.ParseFromString(base64.b64decode(attributes.get_attr(_NODE), validate=True))
        except (ValueError, DecodeError) as error:
            raise ValueError(
                f"[aidge_onnx.export] expected an ONNX node in {node.name()} ({node.type()}), got {error}"
            ) from error
        captured = tuple(str(name) for name in attributes.get_attr(_CAPTURED))
        return cls(
            proto,
            str(attributes.get_attr(_DOMAIN)),
            int(attributes.get_attr(_OPSET)),
            captured,
            str(attributes.get_attr(_REASON)),
        )


def rename_captured(node: NodeProto, names: dict[str, str]) -> None:
    """Renames outer values in the graphs inside the node, in place.

    Names that such a graph defines itself are left alone.
    """
    for graph in subgraphs(node):
        _rename_in(graph, names)


def _rename_in(graph: GraphProto, names: dict[str, str]) -> None:
    own = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    own |= {name for node in graph.node for name in node.output}
    mine = {old: new for old, new in names.items() if old not in own}
    if not mine:
        return
    for node in graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = mine.get(name, name)
        rename_captured(node, mine)
    for value in graph.output:
        value.name = mine.get(value.name, value.name)
