"""Finds GeLU where it is written out in elementary operators, whatever the order of its factors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import TensorProto

from .source import OnnxNode, Source

__all__ = ["find_gelu"]

_SAMPLES = np.asarray(
    [-4.5, -3.1, -2.2, -1.4, -0.9, -0.37, -0.05, 0.0, 0.08, 0.41, 0.83, 1.27, 2.03, 3.3, 4.7, 6.1]
)
_ERF = np.vectorize(math.erf, otypes=[float])
_GELU = {
    "Erf": ("none", 0.5 * _SAMPLES * (1.0 + _ERF(_SAMPLES / math.sqrt(2.0)))),
    "Tanh": (
        "tanh",
        0.5 * _SAMPLES * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (_SAMPLES + 0.044715 * _SAMPLES**3))),
    ),
}
_ELEMENTARY: dict[str, Callable[..., Any]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": np.divide,
    "Pow": np.power,
    "Erf": _ERF,
    "Tanh": np.tanh,
    "Identity": lambda x: x,
}
_TOLERANCE = 2e-6
_MAX_ABOVE = 8
_MAX_BELOW = 4


class _Graph:
    """Who makes and who reads every value."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.maker = {name: node for node in source.nodes for name in node.outputs if name}
        self.readers: dict[str, list[OnnxNode]] = {}
        for node in source.nodes:
            for name in node.uses():
                self.readers.setdefault(name, []).append(node)
        self.exits = {value.name for value in source.outputs}

    def scalar(self, name: str) -> float | None:
        array = self.source.constants.get(name)
        return (
            float(array.reshape(()))
            if array is not None and array.size == 1 and array.dtype == np.float32
            else None
        )

    def replace(self, region: list[OnnxNode], last: OnnxNode, entry: str, form: str) -> None:
        """Makes the last node of the region a Gelu of the entry; the others are forgotten."""
        for node in region:
            for name in node.uses():
                self.readers[name] = [reader for reader in self.readers[name] if reader is not node]
            if node is not last:
                del self.maker[node.outputs[0]]
        last.op, last.inputs, last.captured, last.attributes = "Gelu", [entry], (), {"approximate": form}
        self.readers[entry].append(last)

    def only_reader(self, name: str) -> OnnxNode | None:
        readers = self.readers.get(name, [])
        return readers[0] if len(readers) == 1 and name not in self.exits else None

    def elementary(self, name: str) -> OnnxNode | None:
        node = self.maker.get(name)
        return (
            node
            if node is not None and not node.domain and node.op in _ELEMENTARY and len(node.outputs) == 1
            else None
        )


def find_gelu(source: Source) -> None:
    """Replaces every written-out GeLU (erf and tanh form) on float32 values by one Gelu node.

    It has the name of the last of the nodes that it stands for.
    """
    graph = _Graph(source)
    gone: set[int] = set()
    for node in source.nodes:
        if node.op not in _GELU or node.domain or id(node) in gone:
            continue
        if source.type_of(node.inputs[0]).elem != TensorProto.FLOAT:
            continue
        found = _match(graph, node)
        if found is not None:
            entry, last, region = found
            graph.replace(region, last, entry, _GELU[node.op][0])
            gone.update(id(part) for part in region if part is not last)
    source.nodes = [node for node in source.nodes if id(node) not in gone]


def _match(graph: _Graph, core: OnnxNode) -> tuple[str, OnnxNode, list[OnnxNode]] | None:
    """(input, last node, all nodes) of the GeLU around an Erf or Tanh."""
    below: OnnxNode | None = core
    for _ in range(_MAX_BELOW):
        below = None if below is None else graph.only_reader(below.outputs[0])
        if below is None or graph.elementary(below.outputs[0]) is None:
            return None
        for entry in _candidates(graph, core.inputs[0]):
            region: dict[str, np.ndarray[Any, Any] | float] = {entry: _SAMPLES}
            inside: list[OnnxNode] = []
            result = _evaluate(graph, below.outputs[0], region, inside)
            if result is None or not np.allclose(result, _GELU[core.op][1], rtol=_TOLERANCE, atol=_TOLERANCE):
                continue
            same_rank = graph.source.type_of(entry).rank == graph.source.type_of(below.outputs[0]).rank
            if same_rank and _closed(graph, inside, below):
                return entry, below, inside
    return None


def _candidates(graph: _Graph, name: str) -> list[str]:
    """Values from which the input of the Erf or Tanh is computed, the nearest first."""
    found = [name]
    for candidate in found:
        node = graph.elementary(candidate)
        if node is not None:
            found += [value for value in node.inputs if graph.scalar(value) is None and value not in found]
        if len(found) > _MAX_ABOVE:
            break
    return found[:_MAX_ABOVE]


def _evaluate(graph: _Graph, name: str, known: dict[str, Any], inside: list[OnnxNode]) -> Any:
    """The value as a function of the samples at the entry; None where it depends on anything else."""
    if name in known:
        return known[name]
    constant = graph.scalar(name)
    if constant is not None:
        return constant
    node = graph.elementary(name)
    if node is None or len(inside) > 16:
        return None
    inside.append(node)
    operands = [_evaluate(graph, value, known, inside) for value in node.inputs]
    if any(operand is None for operand in operands):
        return None
    with np.errstate(all="ignore"):
        known[name] = _ELEMENTARY[node.op](*operands)
    return known[name]


def _closed(graph: _Graph, inside: list[OnnxNode], last: OnnxNode) -> bool:
    """True if nothing outside reads a value from inside, but for the last."""
    members = {id(node) for node in inside}
    return all(
        node is last
        or (
            node.outputs[0] not in graph.exits
            and all(id(reader) in members for reader in graph.readers.get(node.outputs[0], []))
        )
        for node in inside
    )
