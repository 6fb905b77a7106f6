"""Operators that are not native: their NodeProto travels in the graph and comes out unchanged."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aidge_core
from google.protobuf.message import DecodeError  # type: ignore[import-untyped,unused-ignore]
from onnx import GraphProto, NodeProto, helper

from .protos import subgraphs

__all__ = ["REGION", "GenericNode", "rename_captured", "unpack_region"]

REGION = "aidge.region"
"""Domain of nodes that stand for several, which are in a graph inside (see regions)."""

_NODE, _DOMAIN, _OPSET, _INNER, _CAPTURED, _REASON = (
    "onnx_node",
    "onnx_domain",
    "onnx_opset",
    "onnx_inner_opsets",
    "onnx_captured",
    "onnx_reason",
)


@dataclass(frozen=True)
class GenericNode:
    """What a generic operator keeps.

    The node, its domain and opset, the outer values that graphs inside it read (they are inputs after its
    own), why it is not native, and the opsets of other domains from which graphs inside it have operators.
    """

    proto: NodeProto
    domain: str
    opset: int
    captured: tuple[str, ...]
    reason: str
    inner_opsets: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def make(
        cls, proto: NodeProto, opsets: Mapping[str, int], captured: tuple[str, ...], reason: str
    ) -> GenericNode:
        """For a node of a model that imports these opsets."""
        domain = _standard(proto.domain)
        used = {_standard(node.domain) for node in _nodes_inside(proto)} - {domain}
        inner = {name: opsets.get(name, 1) for name in sorted(used)}
        return cls(proto, domain, opsets.get(domain, 1), captured, reason, inner)

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
            **(
                {_INNER: [f"{name}={version}" for name, version in self.inner_opsets.items()]}
                if self.inner_opsets
                else {}
            ),
        }

    @classmethod
    def of(cls, node: aidge_core.Node) -> GenericNode:
        """Reads it back. ValueError if the node did not come from ONNX."""
        return cls.read(node.get_operator().attr.dict(), f"{node.name()} ({node.type()})")

    @classmethod
    def read(cls, attributes: Mapping[str, Any], where: str) -> GenericNode:
        """Reads it from an operator's attributes. ValueError, which names `where`, if it did not come from ONNX."""
        if _NODE not in attributes:
            raise ValueError(
                f"[aidge_onnx.export] expected a generic operator that came from ONNX, got {where}"
            )
        inner = (entry.rpartition("=") for entry in attributes.get(_INNER, ()))
        try:
            proto = NodeProto.FromString(base64.b64decode(attributes[_NODE], validate=True))
        except (ValueError, DecodeError) as error:
            raise ValueError(f"[aidge_onnx.export] expected an ONNX node in {where}, got {error}") from error
        return cls(
            proto,
            str(attributes[_DOMAIN]),
            int(attributes[_OPSET]),
            tuple(str(name) for name in attributes[_CAPTURED]),
            str(attributes[_REASON]),
            {name: int(version) for name, _, version in inner},
        )

    def nodes(self) -> Iterator[NodeProto]:
        """The node, unless it is a region, and all in the graphs inside it."""
        if self.domain != REGION:
            yield self.proto
        yield from _nodes_inside(self.proto)


def _standard(domain: str) -> str:
    return "" if domain == "ai.onnx" else domain


def _nodes_inside(node: NodeProto) -> Iterator[NodeProto]:
    for graph in subgraphs(node):
        for inner in graph.node:
            yield inner
            yield from _nodes_inside(inner)


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


def unpack_region(
    proto: NodeProto, inputs: Sequence[str], outputs: Sequence[str], fresh: Callable[[str], str]
) -> Iterable[NodeProto]:
    """The nodes of a region, between these values; `fresh` names those within it."""
    body = helper.get_attribute_value(proto.attribute[0])
    names = dict(zip((value.name for value in body.input), inputs, strict=True))
    names |= dict(zip((value.name for value in body.output), outputs, strict=True))
    for node in body.node:
        for name in node.output:
            if name and name not in names:
                names[name] = fresh(name)
    for node in body.node:
        copy = NodeProto()
        copy.CopyFrom(node)
        rename_captured(copy, names)
        del copy.input[:], copy.output[:]
        copy.input.extend(names.get(name, name) for name in node.input)
        copy.output.extend(names.get(name, name) for name in node.output)
        yield copy
