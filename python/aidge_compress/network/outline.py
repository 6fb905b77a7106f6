"""A network's nodes and connections as plain data: what remains to draw after the network itself has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aidge_core import GraphView, Node

__all__ = ["Outline", "OutlineNode", "outline"]

_BATCH_NORMS = ("BatchNorm1D", "BatchNorm2D", "BatchNorm3D")


@dataclass(frozen=True)
class OutlineNode:
    """A node that computes: `parents` are indices of nodes before it, `dims` its first output's (empty where unknown).

    `weights` are the elements of its constants; `inner` the names and types of the nodes inside a meta operator.
    """

    name: str
    type: str
    dims: tuple[int, ...]
    parents: tuple[int, ...]
    weights: int = 0
    inner: tuple[tuple[str, str], ...] = ()

    @property
    def channels(self) -> int:
        """Extent of axis 1 of the output; 0 if there is none."""
        return self.dims[1] if len(self.dims) > 1 else 0

    @property
    def is_layer(self) -> bool:
        """Whether it has weights and is no BatchNorm."""
        return self.weights > 0 and self.type not in _BATCH_NORMS


@dataclass(frozen=True)
class Outline:
    """The nodes of a network in topological order, constants left out."""

    name: str
    nodes: tuple[OutlineNode, ...]


def _dims(node: Node) -> tuple[int, ...]:
    operator = node.get_operator()
    tensor = operator.get_output(0) if operator.nb_outputs() else None
    return tuple(tensor.dims) if tensor is not None else ()


def _constants(node: Node) -> int:
    total = 0
    for parent in node.get_parents():
        if parent is not None and parent.type() == "Producer":
            count = 1
            for extent in _dims(parent):
                count *= extent
            total += count
    return total


def _inner(node: Node) -> tuple[tuple[str, str], ...]:
    operator = node.get_operator()
    if not operator.is_meta():
        return ()
    nodes = operator.get_micro_graph().get_ordered_nodes(deep=True)
    return tuple((entry.name(), entry.type()) for entry in nodes if entry.type() != "Producer")


def outline(graph: GraphView) -> Outline:
    """The network as plain data, with the shapes that it has at the moment."""
    places: dict[Node, int] = {}
    nodes: list[OutlineNode] = []
    for node in graph.get_ordered_nodes():
        if node.type() == "Producer":
            continue
        parents = sorted({places[parent] for parent in node.get_parents() if parent in places})
        places[node] = len(nodes)
        nodes.append(
            OutlineNode(node.name(), node.type(), _dims(node), tuple(parents), _constants(node), _inner(node))
        )
    return Outline(graph.name(), tuple(nodes))
