"""What each group of channels loses for each number of channels that it may keep, and the least loss within a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .allocate import fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .allocate import Limits, Share
    from .statistics import GroupStatistics

__all__ = ["Curves", "scaled"]

_BISECTIONS = 40
_PRICE_ROUNDS = 5
_SMOOTH = 0.5
"""Weight of a parabola beside the measured shape, which few samples make too steep."""


def _allowed(group: GroupStatistics, limits: Limits) -> np.ndarray:
    return np.array(sorted({limits.of(group, wanted) for wanted in range(group.group.size + 1)}))


class Curves:
    """For each group, the numbers of channels that it may keep, and what each loses: 1 if half of them are kept, 0 if all are.

    Attributes:
        groups, limits: as given.
        counts: per group, ascending.
        lost: per group, for each of the counts.
        halves: per group, the count that half of the channels are.
    """

    def __init__(self, groups: Sequence[GroupStatistics], limits: Limits) -> None:
        self.groups, self.limits = groups, limits
        self.counts = [_allowed(group, limits) for group in groups]
        self.halves = [limits.of(group, group.group.size // 2) for group in groups]
        self.lost = [
            self._shape(group, counts, half)
            for group, counts, half in zip(groups, self.counts, self.halves, strict=True)
        ]

    @staticmethod
    def _shape(group: GroupStatistics, counts: np.ndarray, half: int) -> np.ndarray:
        size = group.group.size
        by_removed = np.concatenate([[0.0], np.maximum(np.asarray(group.elimination()[1]), 0.0)])
        by_removed = np.maximum.accumulate(by_removed)
        measured = by_removed[np.minimum(size - counts, len(by_removed) - 1)]
        at_half = by_removed[min(size - half, len(by_removed) - 1)]
        parabola = ((size - counts) / max(size - half, 1)) ** 2
        if at_half <= 0.0:
            return parabola
        shape: np.ndarray = _SMOOTH * parabola + (1.0 - _SMOOTH) * measured / at_half
        return shape

    def cheapest(self, sensitivity: Sequence[float], share: Share) -> list[int]:
        """The counts of the least sum of sensitivity · lost within the budget; the smallest ones if none is within it.

        Lagrange's method: each group weighs what it loses against what its channels cost. The costs depend on the other groups' counts and are
        taken anew a few times.
        """
        everything = [group.group.size for group in self.groups]
        best = [int(entry[0]) for entry in self.counts]
        if share(everything) <= 1.0:
            return everything
        if share(best) > 1.0:
            return best
        counts = everything
        for _ in range(_PRICE_ROUNDS):
            counts = self._within(sensitivity, self._prices(counts, share), share)
            if self._loss(sensitivity, counts) <= self._loss(sensitivity, best):
                best = counts
        return fill(
            self.groups, self.limits, share, best,
            lambda index, now, then: -sensitivity[index] * (self._at(index, now) - self._at(index, then)),
        )  # fmt: skip

    def _at(self, index: int, count: int) -> float:
        return float(np.interp(count, self.counts[index], self.lost[index]))

    def _loss(self, sensitivity: Sequence[float], counts: Sequence[int]) -> float:
        return sum(
            weight * self._at(index, count)
            for index, (weight, count) in enumerate(zip(sensitivity, counts, strict=True))
        )

    def _prices(self, counts: Sequence[int], share: Share) -> list[float]:
        """What a channel of each group costs if the others are as in `counts`."""
        prices = []
        for index, (group, now) in enumerate(zip(self.groups, counts, strict=True)):
            less = self.limits.of(group, now // 2)
            less, more = (less, now) if less < now else (now, group.group.size)
            costs = [share([*counts[:index], count, *counts[index + 1 :]]) for count in (less, more)]
            prices.append(max(costs[1] - costs[0], 1e-9) / max(more - less, 1))
        return prices

    def _within(self, sensitivity: Sequence[float], prices: Sequence[float], share: Share) -> list[int]:
        """Bisects the logarithm of the price of a unit of cost."""
        low, high = -60.0, 60.0
        best = [int(entry[0]) for entry in self.counts]
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            counts = [
                int(kept[np.argmin(weight * lost + np.exp(middle) * price * kept)])
                for kept, lost, weight, price in zip(self.counts, self.lost, sensitivity, prices, strict=True)
            ]
            if share(counts) <= 1.0:
                high, best = middle, counts
            else:
                low = middle
        return best


def scaled(groups: Sequence[GroupStatistics], limits: Limits, wanted: np.ndarray, share: Share) -> list[int]:
    """Counts in the proportions of exp(`wanted`), (groups,), as large as the budget allows; the smallest ones if none is within it."""
    low, high = -10.0, 10.0
    best = [limits.of(group, 0) for group in groups]
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        counts = [
            limits.of(group, round(min(group.group.size, float(np.exp(value + middle)))))
            for group, value in zip(groups, wanted, strict=True)
        ]
        if share(counts) <= 1.0:
            low, best = middle, counts
        else:
            high = middle
    proportions = np.exp(wanted)
    return fill(groups, limits, share, best, lambda index, now, _: now / proportions[index])
