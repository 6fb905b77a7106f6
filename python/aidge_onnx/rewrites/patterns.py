"""Finds activations that are written out in elementary operators, whatever the order of their factors.

What is computed around one Erf, Tanh, Clip or HardSigmoid is a polynomial of the input x and of g, the result of that operator.
Nodes are replaced only if their polynomial has the coefficients of the activation: then both agree for every input, however large.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import TensorProto

from ..reading.source import OnnxNode, Source
from .polynomials import Polynomial, add, is_close, multiply, number, power, scaled
from .uses import Uses

__all__ = ["find_activations"]

_X: Polynomial = {(1, 0): 1.0}
_G: Polynomial = {(0, 1): 1.0}
_ERF_INPUT: Polynomial = {(1, 0): 1.0 / math.sqrt(2.0)}
_TANH_INPUT: Polynomial = {
    (1, 0): math.sqrt(2.0 / math.pi),
    (3, 0): math.sqrt(2.0 / math.pi) * 0.044715,
}
_GATE: Polynomial = {(1, 0): 1.0 / 6.0, (0, 0): 0.5}
"""HardSigmoid before it is limited to [0, 1]."""


@dataclass(frozen=True)
class _Target:
    """An activation: the operator g within it from which the search starts, its name and attributes, and its polynomial."""

    core: str
    op: str
    attributes: dict[str, Any]
    polynomial: Polynomial


_GELU: Polynomial = {(1, 0): 0.5, (1, 1): 0.5}
_TARGETS = (
    _Target("Erf", "Gelu", {"approximate": "none"}, _GELU),
    _Target("Tanh", "Gelu", {"approximate": "tanh"}, _GELU),
    _Target("Clip", "HardSwish", {}, {(1, 1): 1.0}),
    _Target("HardSigmoid", "HardSwish", {}, {(1, 1): 1.0}),
    _Target("Clip", "HardSigmoid", {"alpha": 1.0 / 6.0, "beta": 0.5}, _G),
)
_ARITHMETIC = ("Add", "Sub", "Mul", "Div", "Pow", "Identity")
_CORES = {
    "Erf": ("Erf",),
    "Tanh": ("Tanh",),
    "Clip": ("Clip", "HardSigmoid"),
    "HardSigmoid": ("Clip", "HardSigmoid"),
}
"""Operators that may be g, by the one from which the search starts."""
_MAX_ABOVE = 8
_MAX_BELOW = 4
_MAX_INSIDE = 16
_MAX_TERMS = 32


class _Graph(Uses):
    """The values around an activation."""

    def scalar(self, name: str) -> float | None:
        array = self.source.constants.get(name)
        return (
            float(array.reshape(()))
            if array is not None and array.size == 1 and array.dtype == np.float32
            else None
        )

    def bounds(self, node: OnnxNode) -> tuple[float, float] | None:
        """Both bounds of a Clip that has two, the lower one first."""
        numbers = [node.attributes.get(name) for name in ("min", "max")]
        for index, name in enumerate(node.inputs[1:3]):
            numbers[index] = self.scalar(name) if name else None
        if any(bound is None for bound in numbers):
            return None
        low, high = (float(bound) for bound in numbers if bound is not None)
        return (low, high) if math.isfinite(high - low) and low < high else None

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
            if node is not None
            and not node.domain
            and len(node.outputs) == 1
            and node.op in (*_ARITHMETIC, *_CORES)
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
            region = _Region(graph, entry, _CORES[core.op])
            result = region.value(below.outputs[0])
            if result is None or not is_close(result, target.polynomial) or core not in region.inside:
                continue
            if region.keeps_rank() and _closed(graph, region.inside, below):
                return entry, below, region.inside
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


class _Region:
    """The nodes between an entry and a value that is computed from it, and that value as a polynomial."""

    def __init__(self, graph: _Graph, entry: str, cores: tuple[str, ...]) -> None:
        self.inside: list[OnnxNode] = []
        self._graph = graph
        self._entry = entry
        self._cores = cores
        self._known: dict[str, Polynomial | None] = {entry: _X}
        self._ranks = {0}

    def value(self, name: str) -> Polynomial | None:
        """The value as a polynomial; None if it is not one, or depends on anything but the entry."""
        if name not in self._known:
            self._known[name] = self._computed(name)
        return self._known[name]

    def keeps_rank(self) -> bool:
        """Whether no constant gives the result more dims than the entry has."""
        return max(self._ranks) <= (self._graph.source.type_of(self._entry).rank or 0)

    def _computed(self, name: str) -> Polynomial | None:
        constant = self._graph.scalar(name)
        if constant is not None:
            self._ranks.add(self._graph.source.constants[name].ndim)
            return number(constant)
        node = self._graph.elementary(name)
        if node is None or len(self.inside) >= _MAX_INSIDE:
            return None
        self.inside.append(node)
        operands = [self.value(operand) for operand in node.inputs if operand]
        polynomials = [operand for operand in operands if operand is not None]
        if not polynomials or len(polynomials) < len(operands):
            return None
        if node.op in _ARITHMETIC:
            result = _arithmetic(node.op, *polynomials)
        else:
            result = _core(node, polynomials[0], self._graph) if node.op in self._cores else None
        return result if result is not None and len(result) <= _MAX_TERMS else None


def _arithmetic(op: str, one: Polynomial, other: Polynomial | None = None) -> Polynomial | None:
    """Add, Sub, Mul, Div by a number, Pow with a small exponent, Identity."""
    if other is None:
        return one if op == "Identity" else None
    if op in ("Add", "Sub"):
        return add(one, other if op == "Add" else scaled(other, -1.0))
    if op == "Mul":
        return multiply(one, other)
    if set(other) != {(0, 0)}:
        return None
    value = other[0, 0]
    if op == "Div":
        return scaled(one, 1.0 / value) if value else None
    return power(one, int(value)) if op == "Pow" and value in (1.0, 2.0, 3.0) else None


def _core(node: OnnxNode, entry: Polynomial, graph: _Graph) -> Polynomial | None:
    """g or what is computed from it by the mirror image of the function; None if the operator's input is another one."""
    if node.op in ("Erf", "Tanh"):
        wanted = _ERF_INPUT if node.op == "Erf" else _TANH_INPUT
        if is_close(entry, wanted):
            return _G
        return scaled(_G, -1.0) if is_close(scaled(entry, -1.0), wanted) else None  # both are odd
    if node.op == "HardSigmoid":
        alpha, beta = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
        entry, bounds = add(scaled(entry, alpha), number(beta)), (0.0, 1.0)
    else:
        found = graph.bounds(node)
        if found is None:
            return None
        bounds = found
    low, width = bounds[0], bounds[1] - bounds[0]
    gate = scaled(add(entry, number(-low)), 1.0 / width)
    if is_close(gate, _GATE):
        return add(number(low), scaled(_G, width))
    mirrored = add(number(1.0), scaled(gate, -1.0))
    return add(number(bounds[1]), scaled(_G, -width)) if is_close(mirrored, _GATE) else None


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
