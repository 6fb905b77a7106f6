"""What a network costs when its groups of channels keep so many of them, without cutting it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..network.summary import macs_of
from .statistics import weight_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aidge_core import ChannelGroup, GraphView, Node

    from .timing import LayerTimes

__all__ = ["CostModel"]


@dataclass(frozen=True)
class _LayerCost:
    """One node: its MACs and the constants that no node before it has, and which share of its channels each group gives it for each count that the group keeps."""

    name: str
    macs: float
    weights: float
    rest: float
    made: tuple[int, np.ndarray] | None
    read: Mapping[int, np.ndarray]
    crossed: tuple[int, np.ndarray] | None

    def shares(self, counts: Sequence[int]) -> tuple[float, float]:
        """(inputs, outputs) that stay."""
        if self.crossed is not None:  # one channel at a time
            group, kept = self.crossed
            return 1.0, float(kept[counts[group]])
        inputs = 1.0 - sum(float(lost[counts[group]]) for group, lost in self.read.items())
        if self.made is None:
            return inputs, 1.0
        group, kept = self.made
        return inputs, float(kept[counts[group]])


def _elements(node: Node, index: int, counted: set[int]) -> int:
    """Of the constant at an input; 0 if there is none, or another layer has counted it."""
    weight, parent = weight_of(node, index), node.get_parent(index) if index < node.get_nb_inputs() else None
    if weight is None or parent is None or parent.id() in counted:
        return 0
    counted.add(parent.id())
    return weight.size


def _lost(channels: Sequence[int], size: int, order: Sequence[int]) -> np.ndarray:
    """(size + 1,): the share of a layer's channels that are gone where the group keeps 0, 1, … of them."""
    going = np.zeros(size + 1)
    occurrences = np.bincount([channel for channel in channels if channel >= 0], minlength=size)
    for step, channel in enumerate(order):
        going[size - step - 1] = occurrences[channel]
    lost = np.cumsum(going[::-1])[::-1]
    return lost / len(channels)


class CostModel:
    """Costs of a network as functions of how many channels each group keeps.

    Args:
        model: the network, with the shapes to count for.
        groups: its groups.
        orders: for each group, in which order its channels go; those that are not named stay. None: the last channel first.

    Exact for layers that make or read channels. A node that several groups cross counts by the first one alone.
    """

    def __init__(
        self, model: GraphView, groups: Sequence[ChannelGroup], orders: Sequence[Sequence[int]] | None = None
    ) -> None:
        orders = orders or [list(range(group.size - 1, -1, -1)) for group in groups]
        made: dict[str, tuple[int, np.ndarray]] = {}
        read: dict[str, dict[int, np.ndarray]] = {}
        crossed: dict[str, tuple[int, np.ndarray]] = {}
        for index, (group, order) in enumerate(zip(groups, orders, strict=True)):
            for source in group.sources:
                made[source.node.name()] = index, 1.0 - _lost(source.channels, group.size, order)
            for use in [*group.uses, *group.products]:
                read.setdefault(use.node.name(), {})[index] = _lost(use.channels, group.size, order)
            kept = 1.0 - _lost(range(group.size), group.size, order)
            for node in group.crossed:
                crossed.setdefault(node.name(), (index, kept))
        self._layers = []
        counted: set[int] = set()
        for node in model.get_ordered_nodes():
            operator = node.get_operator()
            if node.type() == "Producer" or operator.is_meta():
                continue
            name = node.name()
            isolated = name not in made and name not in read
            layer = _LayerCost(
                name,
                float(macs_of(operator) or 0),
                float(_elements(node, 1, counted)),
                float(sum(_elements(node, i, counted) for i in range(2, node.get_nb_inputs()))),
                made.get(name),
                read.get(name, {}),
                crossed.get(name) if isolated else None,
            )
            if layer.macs or layer.weights or layer.rest:
                self._layers.append(layer)

    def macs(self, counts: Sequence[int]) -> float:
        """Multiply-accumulates where group i keeps counts[i] channels."""
        total = 0.0
        for layer in self._layers:
            inputs, outputs = layer.shares(counts)
            total += layer.macs * inputs * outputs
        return total

    def parameters(self, counts: Sequence[int]) -> float:
        """Elements of the layers' constants; shared ones count once."""
        total = 0.0
        for layer in self._layers:
            inputs, outputs = layer.shares(counts)
            total += layer.weights * inputs * outputs + layer.rest * outputs
        return total

    def seconds(self, counts: Sequence[int], times: LayerTimes) -> float:
        """Sum of the layers' times."""
        return sum(times(layer.name, *layer.shares(counts)) for layer in self._layers)
