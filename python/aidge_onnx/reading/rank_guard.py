"""Keeps shape inference from making values of millions of dims.

Reshape and its like give their output as many dims as their shape operand has elements. A file of a few bytes
can declare an operand of any length, and native shape inference would allocate accordingly. Here operands of
unknown length are hidden from it, until an earlier round has found how long they are.
"""

from __future__ import annotations

from collections.abc import Callable

from onnx import GraphProto, NodeProto

from ..errors import InvalidModelError
from ..protos import subgraphs

__all__ = ["MAX_RANK", "hide_shape_operands"]

MAX_RANK = 64
_OPERANDS = {
    "Reshape": (1,),
    "Expand": (1,),
    "ConstantOfShape": (0,),
    "Col2Im": (1, 2),
    "MaxUnpool": (2,),
    "AffineGrid": (1,),
}
_Length = Callable[[str], int | None]


def hide_shape_operands(graph: GraphProto, length: _Length, stand_in: str) -> set[str]:
    """Puts `stand_in` in the place of shape operands of unknown length, in place and in inner graphs too.

    Returns the names of those in the outer graph. InvalidModelError if an operand is longer than MAX_RANK.
    """
    hidden: set[str] = set()
    for node in graph.node:
        for index in _OPERANDS.get(node.op_type, ()) if node.domain in ("", "ai.onnx") else ():
            if index >= len(node.input) or not node.input[index]:
                continue
            name = node.input[index]
            size = length(name)
            if size is None:
                hidden.add(name)
                node.input[index] = stand_in
            elif size > MAX_RANK:
                raise InvalidModelError(f"node {node.name!r} ({node.op_type}): a shape of {size} dims")
        for inner in subgraphs(node):
            hide_shape_operands(inner, _inside(inner, length), stand_in)
    return hidden


def _inside(graph: GraphProto, outer: _Length) -> _Length:
    """Lengths as seen in an inner graph: of its constants, and of values from outside."""
    sizes: dict[str, int | None] = {value.name: None for value in graph.input}
    for tensor in graph.initializer:
        sizes[tensor.name] = _count(list(tensor.dims))
    for node in graph.node:
        for name in node.output:
            sizes[name] = _constant_size(node)
    return lambda name: sizes[name] if name in sizes else outer(name)


def _constant_size(node: NodeProto) -> int | None:
    if node.op_type != "Constant":
        return None
    for attribute in node.attribute:
        if attribute.name == "value":
            return _count(list(attribute.t.dims))
        if attribute.name == "value_ints":
            return len(attribute.ints)
    return None


def _count(dims: list[int]) -> int:
    total = 1
    for dim in dims:
        total *= dim
    return total
