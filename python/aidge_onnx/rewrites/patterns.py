"""Finds activations that are written out in elementary operators, whatever the order of their factors."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import TensorProto

from ..reading.source import OnnxNode, Source
from .uses import Uses

__all__ = ["find_activations"]

_SAMPLES = np.asarray(
    [-4.5, -3.1, -2.2, -1.4, -0.9, -0.37, -0.05, 0.0, 0.08, 0.41, 0.83, 1.27, 2.03, 3.3, 4.7, 6.1]
)
_ERF = np.vectorize(math.erf, otypes=[float])
_CLIPPED = np.clip(_SAMPLES / 6.0 + 0.5, 0.0, 1.0)


@dataclass(frozen=True)
class _Target:
    """An activation: the operator within it from which the search starts, its name, attributes and values at the samples."""

    core: str
    op: str
    attributes: dict[str, Any]
    values: np.ndarray[Any, Any]


_TARGETS = (
    _Target("Erf", "Gelu", {"approximate": "none"}, 0.5 * _SAMPLES * (1.0 + _ERF(_SAMPLES / math.sqrt(2.0)))),
    _Target(
        "Tanh",
        "Gelu",
        {"approximate": "tanh"},
        0.5 * _SAMPLES * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (_SAMPLES + 0.044715 * _SAMPLES**3))),
    ),
    _Target("Clip", "HardSwish", {}, _SAMPLES * _CLIPPED),
    _Target("HardSigmoid", "HardSwish", {}, _SAMPLES * _CLIPPED),
    _Target("Clip", "HardSigmoid", {"alpha": 1.0 / 6.0, "beta": 0.5}, _CLIPPED),
)


def _clip(node: OnnxNode, x: Any, *bounds: Any) -> Any:
    low, high = (*bounds, None, None)[:2]
    return np.clip(x, node.attributes.get("min", low), node.attributes.get("max", high))


def _hard_sigmoid(node: OnnxNode, x: Any) -> Any:
    return np.clip(node.attributes.get("alpha", 0.2) * x + node.attributes.get("beta", 0.5), 0.0, 1.0)


_ELEMENTARY: dict[str, Callable[..., Any]] = {
    "Add": lambda node, x, y: np.add(x, y),
    "Sub": lambda node, x, y: np.subtract(x, y),
    "Mul": lambda node, x, y: np.multiply(x, y),
    "Div": lambda node, x, y: np.divide(x, y),
    "Pow": lambda node, x, y: np.power(x, y),
    "Erf": lambda node, x: _ERF(x),
    "Tanh": lambda node, x: np.tanh(x),
    "Identity": lambda node, x: x,
    "Clip": _clip,
    "HardSigmoid": _hard_sigmoid,
}
_TOLERANCE = 2e-6
_MAX_ABOVE = 8
_MAX_BELOW = 4


class _Graph(Uses):
    """The values around an activation."""

    def scalar(self, name: str) -> float | None:
        array = self.source.constants.get(name)
        return (
            float(array.reshape(()))
            if array is not None and array.size == 1 and array.dtype == np.float32
            else None
        )

    def replace(self, region: list[OnnxNode], last: OnnxNode, entry: str, target: _Target) -> None:
        """Makes the last node of the region the activation of the entry; the others are forgotten."""
        for node in region:
            for name in node.uses():
                self.readers[name] = [reader for reader in self.readers[name] if reader is not node]
            if node is not last:
                del self.maker[node.outputs[0]]
        last.rewrite(target.op, [entry], dict(target.attributes))
        self.readers[entry].append(last)

    def elementary(self, name: str) -> OnnxNode | None:
        node = self.maker.get(name)
        return (
            node
            if node is not None and not node.domain and node.op in _ELEMENTARY and len(node.outputs) == 1
            else None
        )


def find_activations(source: Source) -> None:
    """Replaces every GeLU (erf and tanh form), HardSwish and HardSigmoid that is written out, on float32 values, by one node.

    It has the name of the last of the nodes that it stands for.
    """
    graph = _Graph(source)
    gone: set[int] = set()
    for target in _TARGETS:
        for node in source.nodes:
            if node.op != target.core or node.domain or id(node) in gone:
                continue
            if source.type_of(node.inputs[0]).elem != TensorProto.FLOAT:
                continue
            found = _match(graph, node, target)
            if found is not None:
                entry, last, region = found
                graph.replace(region, last, entry, target)
                gone.update(id(part) for part in region if part is not last)
    source.nodes = [node for node in source.nodes if id(node) not in gone]


def _match(graph: _Graph, core: OnnxNode, target: _Target) -> tuple[str, OnnxNode, list[OnnxNode]] | None:
    """(input, last node, all nodes) of the activation around its core."""
    below: OnnxNode | None = core
    for _ in range(_MAX_BELOW):
        below = None if below is None else graph.only_reader(below.outputs[0])
        if below is None or graph.elementary(below.outputs[0]) is None:
            return None
        for entry in _candidates(graph, core.inputs[0]):
            region: dict[str, np.ndarray[Any, Any] | float] = {entry: _SAMPLES}
            inside: list[OnnxNode] = []
            result = _evaluate(graph, below.outputs[0], region, inside)
            if result is None or np.shape(result) != _SAMPLES.shape:
                continue
            if not np.allclose(result, target.values, rtol=_TOLERANCE, atol=_TOLERANCE):
                continue
            same_rank = graph.source.type_of(entry).rank == graph.source.type_of(below.outputs[0]).rank
            if same_rank and core in inside and _closed(graph, inside, below):
                return entry, below, inside
    return None


def _candidates(graph: _Graph, name: str) -> list[str]:
    """Values from which the input of the Erf or Tanh is computed, the nearest first."""
    found = [name]
    for candidate in found:
        node = graph.elementary(candidate)
        if node is not None:
            found += [
                value for value in node.inputs if value and graph.scalar(value) is None and value not in found
            ]
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
    operands = [_evaluate(graph, value, known, inside) if value else None for value in node.inputs]
    if any(operand is None and value for operand, value in zip(operands, node.inputs, strict=True)):
        return None
    with np.errstate(all="ignore"):
        known[name] = _ELEMENTARY[node.op](node, *operands)
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
