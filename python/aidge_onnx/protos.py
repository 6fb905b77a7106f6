"""Walks over the parts of ONNX graphs."""

from __future__ import annotations

from collections.abc import Iterator

from onnx import GraphProto, NodeProto

__all__ = ["subgraphs"]


def subgraphs(node: NodeProto) -> Iterator[GraphProto]:
    """The graphs that are attributes of the node."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs
