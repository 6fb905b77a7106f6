"""How many channels each group keeps within a budget, and which ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import aidge_core
import numpy as np

from .statistics import weight_of

if TYPE_CHECKING:
    from .statistics import GroupStatistics

__all__ = [
    "ALLOCATIONS",
    "RULES",
    "SELECTIONS",
    "Limits",
    "Share",
    "UnreachableTarget",
    "allocate",
    "counts_of",
    "fill",
    "removal_order",
]

Share: TypeAlias = Callable[[list[int]], float]
"""Counts of channels that the groups keep → the cost, relative to what it may be."""

_BISECTIONS = 40
_COST_EXPONENT = 0.5
_NEAR = 0.98
"""A share of the budget that is near enough to all of it."""
_EXCHANGES = 8
RULES = ("energy", "loss", "uniform", "kl")
"""energy: one share of the spectrum's energy for all groups; loss: one share of the readers' output energy that may go;
uniform: one share of the channels; kl: Principal Filter Analysis' ratio, raised to one power for all groups."""

ALLOCATIONS = ("auto", *RULES)
"""auto: the best of these and of allocations by measured sensitivity, by the error of the outputs of networks that are cut on trial."""

SELECTIONS = ("elimination", "cholesky", "l1_norm", "l2_norm", "l1_max", "abs_max", "random")
"""elimination: backward elimination on the readers; cholesky: pivoted Cholesky on their inputs' covariance; l1_norm, l2_norm: of
the filters that make the channel; l1_max, abs_max: the unit strategies of Principal Filter Analysis; random: to compare with."""


class UnreachableTarget(ValueError):
    """No network within the target can be made: every group of channels already keeps as few as it may.

    Attributes:
        least: cost → the smallest share of it that can be reached.
    """

    def __init__(self, target: Mapping[str, float], used: float) -> None:
        self.least = {name: share * used for name, share in target.items()}
        least = ", ".join(f"{name} {share:.4f}" for name, share in self.least.items())
        super().__init__(
            f"[compress::allocate] expected a target that can be reached, at least {least}, got {dict(target)}"
        )


@dataclass(frozen=True)
class Limits:
    """What stays at least: so many channels of every layer, and a share of every group; and a multiple of so many of a group (or all)."""

    min_channels: int = 1
    min_share: float = 0.0
    multiple: int = 1

    def of(self, group: GroupStatistics, wanted: int) -> int:
        """`wanted` within the limits; channels that must stay are counted in."""
        size = group.group.size
        least = max(int(np.ceil(self.min_share * size)), size - len(group.order))
        count = -(-max(wanted, least) // self.multiple) * self.multiple
        return min(count, size)


def _wanted(group: GroupStatistics, allocation: str, threshold: float) -> int:
    size = group.group.size
    if allocation == "energy":
        return int(np.searchsorted(group.energy(), threshold * (1 - 1e-12)))
    if allocation == "loss":
        lost = group.elimination()[1]
        return size - int(np.searchsorted(lost, 1.0 - threshold, side="right"))
    if allocation == "uniform":
        return round(size * threshold)
    if allocation == "kl":
        if threshold <= 0.0:
            return 1
        ratio = float(np.mean([_kl_ratio(use.spectrum) for use in group.uses]))
        return int(np.ceil(size * ratio ** (1.0 / threshold - 1.0)))
    raise ValueError(f"[compress::allocate] expected one of {ALLOCATIONS}, got {allocation!r}")


def _kl_ratio(spectrum: np.ndarray) -> float:
    return aidge_core.pfa_linear_ratio(*aidge_core.pfa_kl_divergence(spectrum))


def counts_of(
    groups: Sequence[GroupStatistics],
    allocation: str,
    threshold: float,
    limits: Limits,
    weights: Sequence[float] | None = None,
) -> list[int]:
    """Channels that each group keeps at a threshold in [0, 1]: the more, the higher it is.

    `weights`, in [0, 1]: how much of what the threshold lets go each group may lose; None: all of it.
    """
    counts = []
    for index, group in enumerate(groups):
        weight = 1.0 if weights is None else weights[index]
        counts.append(limits.of(group, _wanted(group, allocation, 1.0 - (1.0 - threshold) * weight)))
    return counts


def _cost_weights(groups: Sequence[GroupStatistics], share: Callable[[list[int]], float]) -> list[float]:
    """What halving each group would save, relative to the most, to the power of _COST_EXPONENT."""
    everything = [group.group.size for group in groups]
    whole = share(everything)
    saved = []
    for index, size in enumerate(everything):
        halved = [*everything[:index], max(1, size // 2), *everything[index + 1 :]]
        saved.append(max(whole - share(halved), 0.0))
    most = max(saved, default=0.0)
    return [1.0 if most <= 0 else (value / most) ** _COST_EXPONENT for value in saved]


def allocate(
    groups: Sequence[GroupStatistics],
    allocation: str,
    limits: Limits,
    share: Callable[[list[int]], float],
    target: Mapping[str, float],
) -> list[int]:
    """The counts of the largest threshold at which the network's cost is within the target: `share`, relative to it, at most 1.

    Groups whose channels cost little lose less: what a threshold lets go is weighted with the root of what halving the group would save. Where
    that cannot reach the target, all may lose the same.

    Raises:
        ValueError: if not even the smallest counts reach it; says what they do.
    """
    everything = [group.group.size for group in groups]
    if share(everything) <= 1.0:
        return everything
    weights: list[float] | None = None if allocation == "uniform" else _cost_weights(groups, share)
    best = counts_of(groups, allocation, 0.0, limits, weights)
    if share(best) > 1.0:
        weights = None
        best = counts_of(groups, allocation, 0.0, limits)
    if share(best) > 1.0:
        raise UnreachableTarget(target, share(best))
    low, high, above = 0.0, 1.0, everything
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        counts = counts_of(groups, allocation, middle, limits, weights)
        if share(counts) <= 1.0:
            low, best = middle, counts
        else:
            high, above = middle, counts
    kept = _between(groups, limits, share, best, above)
    return fill(groups, limits, share, kept, lambda index, now, _: now / groups[index].group.size)


def _between(
    groups: Sequence[GroupStatistics],
    limits: Limits,
    share: Callable[[list[int]], float],
    below: list[int],
    above: list[int],
) -> list[int]:
    """As far from `below`, which is within the target, to `above`, which is not, as the target allows: thresholds can jump."""
    best, low, high = below, 0.0, 1.0
    for _ in range(_BISECTIONS // 2):
        middle = (low + high) / 2
        counts = [
            limits.of(group, round(few + middle * (many - few)))
            for group, few, many in zip(groups, below, above, strict=True)
        ]
        if share(counts) <= 1.0:
            low, best = middle, counts
        else:
            high = middle
    return best


def fill(
    groups: Sequence[GroupStatistics],
    limits: Limits,
    share: Share,
    counts: list[int],
    order: Callable[[int, int, int], float],
) -> list[int]:
    """Give channels back as long as the budget allows: first to the group with the least `order(index, count now, count then)`.

    If steps are too coarse to come near the budget, one group gives up a step so that another one gets one, as long as that uses more of it.
    """
    counts = _given_back(groups, limits, share, list(counts), order)
    for _ in range(_EXCHANGES):
        used = share(counts)
        if used >= _NEAR:
            break
        exchanged = _exchange(groups, limits, share, counts, used)
        if exchanged is None:
            break
        counts = _given_back(groups, limits, share, exchanged, order)
    return counts


def _exchange(
    groups: Sequence[GroupStatistics], limits: Limits, share: Share, counts: list[int], used: float
) -> list[int] | None:
    """The exchange of one step between two groups that uses the most of the budget; None if none uses more than `used`."""
    best = None
    for up, gaining in enumerate(groups):
        more = limits.of(gaining, counts[up] + 1)
        for down, losing in enumerate(groups):
            less = limits.of(losing, counts[down] - limits.multiple)
            if up == down or more <= counts[up] or less >= counts[down]:
                continue
            changed = list(counts)
            changed[up], changed[down] = more, less
            if used < (now := share(changed)) <= 1.0:
                best, used = changed, now
    return best


def _given_back(
    groups: Sequence[GroupStatistics],
    limits: Limits,
    share: Share,
    counts: list[int],
    order: Callable[[int, int, int], float],
) -> list[int]:
    while True:
        steps = sorted(
            (order(index, now, more), index, more)
            for index, (group, now) in enumerate(zip(groups, counts, strict=True))
            if (more := limits.of(group, now + 1)) > now
        )
        for _, index, more in steps:
            if share([*counts[:index], more, *counts[index + 1 :]]) <= 1.0:
                counts[index] = more
                break
        else:
            return counts


def _filter_norm(group: GroupStatistics, power: int) -> np.ndarray:
    norms = np.zeros(group.group.size)
    for source in group.group.sources:
        weight = weight_of(source.node)
        if weight is None:
            continue
        transposed = source.node.type().startswith("ConvTranspose")
        filters = np.abs(np.moveaxis(weight, 1, 0) if transposed else weight) ** power
        per_filter = filters.reshape(len(filters), -1).sum(axis=1)
        channels = np.asarray(source.channels)
        if len(per_filter) == len(channels):
            np.add.at(norms, channels[channels >= 0], per_filter[channels >= 0])
    return norms


def _ranking(group: GroupStatistics, selection: str, seed: int) -> list[int]:
    if selection == "elimination":
        return group.elimination()[0]
    if selection == "cholesky":
        return list(reversed(aidge_core.pivoted_cholesky(group.covariance())))
    if selection in ("l1_norm", "l2_norm"):
        return list(np.argsort(_filter_norm(group, 1 if selection == "l1_norm" else 2), kind="stable"))
    if selection == "random":
        return list(np.random.default_rng(seed).permutation(group.group.size))
    names = {
        "l1_max": aidge_core.pfa_UnitStrategy.L1_MAX,
        "abs_max": aidge_core.pfa_UnitStrategy.ABS_MAX,
    }
    if selection not in names:
        raise ValueError(f"[compress::select] expected one of {SELECTIONS}, got {selection!r}")
    order = list(aidge_core.pfa_removal_order(group.covariance(), names[selection]))
    return order + [unit for unit in range(group.group.size) if unit not in set(order)]


def removal_order(group: GroupStatistics, selection: str, min_channels: int, seed: int = 0) -> list[int]:
    """The channels of the group that may go, in that order: none that must stay, and every layer keeps `min_channels` of its own."""
    readers = [*group.group.uses, *group.group.products]
    layers = [source.channels for source in group.group.sources] + [reader.channels for reader in readers]
    size = group.group.size
    carried = np.array([np.bincount([c for c in channels if c >= 0], minlength=size) for channels in layers])
    spare = carried.sum(axis=1) - min_channels
    fixed = set(group.group.fixed)
    order: list[int] = []
    for unit in (int(unit) for unit in _ranking(group, selection, seed)):
        loss = carried[:, unit]
        if unit in fixed or len(order) == size - 1 or np.any(spare[loss > 0] < loss[loss > 0]):
            continue
        spare -= loss
        order.append(unit)
    return order
