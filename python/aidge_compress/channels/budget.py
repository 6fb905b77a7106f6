"""From target shares to what a network may cost, before and after it is cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..network.summary import summarize
from .allocate import Share, UnreachableTarget, allocate
from .auto import Allocation, by_trials
from .cost import CostModel
from .stages import cut, one_sample
from .statistics import weight_of
from .timing import LayerTimes, layer_times

if TYPE_CHECKING:
    from aidge_core import GraphView

    from ..progress import Clock
    from .options import CompressOptions
    from .stages import Prepared

__all__ = ["Budget", "choose_counts"]

_ROUNDS = 6
_NEAR = 0.98
"""A cut that uses this share of its budget is not tried again."""


@dataclass(frozen=True)
class _Cost:
    """One cost: of counts of all groups, by the model; of a cut network; and how much it may be."""

    of_counts: Callable[[Sequence[int]], float]
    of_cut: Callable[[GraphView], float]
    limit: float


def _seconds_of(before: GraphView, after: GraphView, times: LayerTimes) -> float:
    """Sum of the times of the layers of `before` as they are in `after`, which was cut from it."""
    total = 0.0
    for node in before.get_ordered_nodes():
        now = after.find_node(node.name())
        whole, part = weight_of(node), weight_of(now) if now is not None else None
        if whole is not None and part is not None and whole.ndim > 1:
            total += times(node.name(), part.shape[1] / whole.shape[1], part.shape[0] / whole.shape[0])
    return total


def _costs(prepared: Prepared, target: Mapping[str, float]) -> list[_Cost]:
    dims = one_sample(prepared.model, prepared.data.dims)
    prepared.model.forward_dims(dims)
    orders = {id(group.group): group.order for group in prepared.measured}
    model = CostModel(
        prepared.model, prepared.groups, [orders.get(id(group), []) for group in prepared.groups]
    )
    original = summarize(prepared.original, dims)
    costs = []
    if "macs" in target:
        costs.append(
            _Cost(model.macs, lambda net: float(summarize(net, dims).macs), target["macs"] * original.macs)
        )
    if "parameters" in target:
        costs.append(
            _Cost(
                model.parameters,
                lambda net: float(summarize(net, dims).parameters),
                target["parameters"] * original.parameters,
            )
        )
    if "latency" in target:
        prepared.model.compile("cpu", dims=dims)
        times, rest = layer_times(prepared.model)
        whole = _seconds_of(prepared.model, prepared.model, times) + rest
        costs.append(
            _Cost(
                lambda counts: model.seconds(counts, times) + rest,
                lambda net: _seconds_of(prepared.model, net, times) + rest,
                target["latency"] * whole,
            )
        )
    prepared.model.compile("cpu", dims=prepared.data.dims)
    return costs


class Budget:
    """What a network that is cut may cost.

    Args:
        prepared: what is cut.
        options: of compress.
        target: cost → the share of it to keep.
    """

    def __init__(self, prepared: Prepared, options: CompressOptions, target: Mapping[str, float]) -> None:
        self.target = target
        self._prepared, self._options = prepared, options
        self._costs = _costs(prepared, target)
        index = {id(group): i for i, group in enumerate(prepared.groups)}
        self._places = [index[id(group.group)] for group in prepared.measured]

    def estimate(self, counts: Sequence[int]) -> float:
        """Cost by the model of the costs if the measured groups keep so many channels, relative to what it may be."""
        everything = [group.size for group in self._prepared.groups]
        for place, count in zip(self._places, counts, strict=True):
            everything[place] = count
        return max(cost.of_counts(everything) / cost.limit for cost in self._costs)

    def used(self, counts: Sequence[int]) -> float:
        """The same of the network that is really cut so."""
        network = cut(self._prepared, counts, self._options, compensate=False).model
        return max(cost.of_cut(network) / cost.limit for cost in self._costs)

    def meet(self, allocate: Callable[[Share], list[int]]) -> list[int]:
        """The counts that `allocate` finds for a cost (of counts, relative to what it may be), such that the cut network is within the budget.

        What the model of the costs does not know (nodes that several groups cross, groups that refuse) is made up for by cutting on trial and
        allocating to less, or more, than the target.

        Raises:
            UnreachableTarget: if the target cannot be reached; says what can.
        """
        best: list[int] | None = None
        most, scale = 0.0, 1.0
        for _ in range(_ROUNDS):
            counts = allocate(lambda counts: self.estimate(counts) / scale)  # noqa: B023  (called at once)
            used = self.used(counts)
            if most < used <= 1.0:
                best, most = counts, used
            if _NEAR <= used <= 1.0 or counts == [group.group.size for group in self._prepared.measured]:
                break
            scale *= min(max((_NEAR + 1.0) / 2 / used, 0.5), 2.0)
        if best is None:
            raise UnreachableTarget(self.target, used)
        return best


def choose_counts(
    prepared: Prepared, options: CompressOptions, target: Mapping[str, float], clock: Clock
) -> Allocation:
    """How many channels each measured group keeps, so that the network that is cut accordingly is within the target.

    Raises:
        UnreachableTarget: if the target cannot be reached; says what can.
    """
    budget = Budget(prepared, options, target)
    if options.allocation == "auto":
        return by_trials(prepared, options, budget, clock)
    return Allocation(
        budget.meet(
            lambda share: allocate(prepared.measured, options.allocation, options.limits, share, target)
        )
    )
