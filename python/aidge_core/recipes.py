"""Recipes of Aidge that change the form of fully connected layers: `matmul_to_fc` and `remove_flatten`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._core import FC

if TYPE_CHECKING:
    from ._core import GraphView, Node

__all__ = ["bias_behind", "is_alone", "matmul_to_fc", "remove_flatten"]


def _constant(node: Node, index: int) -> np.ndarray | None:
    parent = node.get_parent(index)
    if parent is None or parent.type() != "Producer":
        return None
    return np.asarray(parent.get_operator().get_output(0))


def is_alone(node: Node, index: int) -> bool:
    """Whether nothing else reads what comes to this input of the node."""
    parent, output = node.input(index)
    return parent is not None and len(parent.output(output)) == 1


def bias_behind(graph_view: GraphView, node: Node, outputs: int) -> tuple[Node, np.ndarray] | None:
    """The Add of a constant vector (outputs,) that alone reads the node, and the vector; None if there is none."""
    readers = node.output(0)
    if len(readers) != 1 or any(last == node for last, _ in graph_view.get_ordered_outputs()):
        return None
    add, place = readers[0]
    if add.type() != "Add" or not is_alone(add, 1 - place):
        return None
    vector = _constant(add, 1 - place)
    if vector is None or vector.size != outputs or vector.shape[-1:] != (outputs,):
        return None
    return add, vector.reshape(-1)


def matmul_to_fc(graph_view: GraphView) -> int:
    """Put an FC in the place of each MatMul of data (batch, features) and a constant matrix, with the Add of a bias behind it.

    The FC has the name of the MatMul. A MatMul of data with more axes is kept, because an FC flattens its data; so is one whose matrix other nodes read, too.

    Args:
        graph_view: changed in place; its dims must be known (compile or forward_dims).

    Returns:
        How many there were.

    Raises:
        ValueError: if the dims of the data of such a MatMul are not known.
    """
    found = 0
    for node in graph_view.get_ordered_nodes():
        weight = _constant(node, 1) if node.type() == "MatMul" and is_alone(node, 1) else None
        if weight is None or weight.ndim != 2 or weight.dtype != np.float32 or _constant(node, 0) is not None:
            continue
        if _rank(node) != 2:
            continue
        behind = bias_behind(graph_view, node, weight.shape[1])
        layer = FC(weight.shape[0], weight.shape[1], behind is None, node.name())
        _set(layer, 1, weight.T)
        _keep_name(node, layer)
        if behind is not None:
            _set(layer, 2, behind[1])
        graph_view.replace([node] if behind is None else [node, behind[0]], [layer])
        found += 1
    return found


def _rank(node: Node) -> int:
    data = node.get_operator().get_input(0)
    if data is None:
        raise ValueError(
            f"[recipes::matmul_to_fc] expected known dims (call compile or forward_dims first) at node {node.name()!r}, got none"
        )
    return len(data.dims)


def _set(layer: Node, index: int, values: np.ndarray) -> None:
    producer = layer.get_parent(index)
    assert producer is not None
    producer.get_operator().set_output(0, np.ascontiguousarray(values))


def _keep_name(old: Node, new: Node) -> None:
    """The new layer's weight gets the name of the old one's."""
    before, after = old.get_parent(1), new.get_parent(1)
    assert before is not None
    assert after is not None
    after.set_name(before.name())


def remove_flatten(graph_view: GraphView) -> int:
    """Take out each Flatten (axis 1) that only FC layers read: an FC flattens its data itself.

    Args:
        graph_view: changed in place.

    Returns:
        How many there were.
    """
    exits = {last for last, _ in graph_view.get_ordered_outputs()}
    found = 0
    for node in graph_view.get_ordered_nodes():
        if node.type() != "Flatten" or node.get_operator().attr.axis != 1 or node in exits:
            continue
        readers = node.output(0)
        if readers and all(reader.type() == "FC" and index == 0 for reader, index in readers):
            graph_view.bypass(node)
            found += 1
    return found
