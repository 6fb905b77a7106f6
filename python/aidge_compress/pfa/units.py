"""Which units of a layer are removed, given how many are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt
from aidge_core import pfa_TieRule, pfa_UnitStrategy

from .layer import PFACovariancesResult

__all__ = ["AbsMax", "AbsMin", "L1Max", "L1Min", "PFAUnitSelectionStrategyType", "Random"]


class PFAUnitSelectionStrategyType(Protocol):
    """From the statistics of a layer and a number of units to the units that go."""

    def __call__(
        self, covariances: PFACovariancesResult, *, num_units_to_keep: int
    ) -> Sequence[int] | npt.NDArray[np.integer]:
        """Return the indices of the units to remove, inactive ones first."""


class _ByOrder:
    """Takes the beginning of the layer's order of removal."""

    _strategy: ClassVar[pfa_UnitStrategy]

    def _options(self) -> tuple[pfa_TieRule, int]:
        return pfa_TieRule.DNIKIT, 0

    def __call__(self, covariances: PFACovariancesResult, *, num_units_to_keep: int) -> npt.NDArray[np.intp]:
        """Return the units to remove. At least the inactive ones go. ValueError unless num_units_to_keep >= 1."""
        if num_units_to_keep < 1:
            raise ValueError(
                f"[pfa::UnitSelectionStrategy] expected num_units_to_keep >= 1, got {num_units_to_keep}"
            )
        order = covariances.removal_order(self._strategy, *self._options())
        count = max(covariances.original_output_count - num_units_to_keep, len(covariances.inactive_units))
        return np.array(order[:count], dtype=np.intp)


@dataclass(frozen=True)
class AbsMax(_ByOrder):
    """Takes one of the pair with the largest |correlation|: the one whose next |correlation| is the larger."""

    _strategy = pfa_UnitStrategy.ABS_MAX


@dataclass(frozen=True)
class AbsMin(_ByOrder):
    """Takes one of the pair with the smallest |correlation|: the one whose next |correlation| is the smaller."""

    _strategy = pfa_UnitStrategy.ABS_MIN


@dataclass(frozen=True)
class _L1(_ByOrder):
    tie_rule: str = "dnikit"

    def __post_init__(self) -> None:
        if self.tie_rule not in ("dnikit", "documented"):
            raise ValueError(
                f'[pfa::{type(self).__name__}] expected tie_rule "dnikit" or "documented", got {self.tie_rule!r}'
            )

    def _options(self) -> tuple[pfa_TieRule, int]:
        return pfa_TieRule[self.tie_rule.upper()], 0


@dataclass(frozen=True)
class L1Max(_L1):
    """Takes the unit whose |correlations| with the others have the largest sum.

    Args:
        tie_rule: what decides among equal sums: "dnikit" takes the first unit that has the largest |correlation| with one of the tied,
            tied or not, as DNIKit does; "documented" takes the first tied unit that has it.
    """

    _strategy = pfa_UnitStrategy.L1_MAX


@dataclass(frozen=True)
class L1Min(_L1):
    """Takes the unit whose |correlations| with the others have the smallest sum; `tie_rule` as for L1Max, with the smallest one."""

    _strategy = pfa_UnitStrategy.L1_MIN


@dataclass(frozen=True)
class Random(_ByOrder):
    """Takes active units in an order that follows from a seed, to compare with.

    Args:
        seed: an int >= 0; the same seed gives layers of equal width the same order.
    """

    seed: int
    _strategy = pfa_UnitStrategy.RANDOM

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ValueError(f"[pfa::Random] expected a seed >= 0, got {self.seed}")

    def _options(self) -> tuple[pfa_TieRule, int]:
        return pfa_TieRule.DNIKIT, self.seed
