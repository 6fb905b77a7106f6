"""What a network costs when its groups of channels keep so many of them, without cutting it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .statistics import weight_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._core import ChannelGroup, GraphView, Node

__all__ = ["CostModel", "LayerTimes"]

LayerTimes = Callable[[str, float, float], float]
"""(layer, share of its inputs, share of its outputs) → seconds."""


@dataclass(frozen=True)
class _LayerCost:
    """One node: its MACs and constants, the groups that its channels belong to, and which share of its inputs that is."""

    name: str
    macs: float
    weights: float
    rest: float
    made: int | None
    read: Mapping[int, float]
    crossed: int | None

    def shares(self, kept: Sequence[float]) -> tuple[float, float]:
        """(inputs, outputs) that stay."""
        if self.crossed is not None:  # one channel at a time
            return 1.0, kept[self.crossed]
        inputs = 1.0 - sum(share * (1.0 - kept[group]) for group, share in self.read.items())
        return inputs, kept[self.made] if self.made is not None else 1.0


def _elements(node: Node, index: int) -> int:
    weight = weight_of(node, index)
    return 0 if weight is None else weight.size


class CostModel:
    """Costs of a network as functions of how many channels each group keeps.

    Args:
        model: the network, with the shapes to count for.
        groups: its groups.
    """

    def __init__(self, model: GraphView, groups: Sequence[ChannelGroup]) -> None:
        self._sizes = [group.size for group in groups]
        made: dict[str, int] = {}
        read: dict[str, dict[int, float]] = {}
        crossed: dict[str, int] = {}
        for index, group in enumerate(groups):
            for source in group.sources:
                made[source.node.name()] = index
            for use in group.uses:
                share = sum(channel >= 0 for channel in use.channels) / len(use.channels)
                read.setdefault(use.node.name(), {})[index] = share
            for node in group.crossed:
                crossed.setdefault(node.name(), index)
        self._layers = []
        for node in model.get_ordered_nodes():
            operator = node.get_operator()
            if node.type() == "Producer" or operator.is_meta():
                continue
            name = node.name()
            isolated = name not in made and name not in read
            layer = _LayerCost(
                name,
                float(operator.macs()),
                float(_elements(node, 1)),
                float(sum(_elements(node, i) for i in range(2, node.get_nb_inputs()))),
                made.get(name),
                read.get(name, {}),
                crossed.get(name) if isolated else None,
            )
            if layer.macs or layer.weights:
                self._layers.append(layer)

    def _kept(self, counts: Sequence[int]) -> list[float]:
        return [count / size for count, size in zip(counts, self._sizes, strict=True)]

    def macs(self, counts: Sequence[int]) -> float:
        """Multiply-accumulates where group i keeps counts[i] channels."""
        kept = self._kept(counts)
        total = 0.0
        for layer in self._layers:
            inputs, outputs = layer.shares(kept)
            total += layer.macs * inputs * outputs
        return total

    def parameters(self, counts: Sequence[int]) -> float:
        """Elements of the layers' constants."""
        kept = self._kept(counts)
        total = 0.0
        for layer in self._layers:
            inputs, outputs = layer.shares(kept)
            total += layer.weights * inputs * outputs + layer.rest * outputs
        return total

    def seconds(self, counts: Sequence[int], times: LayerTimes) -> float:
        """Sum of the layers' times."""
        kept = self._kept(counts)
        return sum(times(layer.name, *layer.shares(kept)) for layer in self._layers)
