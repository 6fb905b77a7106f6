"""What PFA recommends for a layer, and why."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = [
    "PFABudgetDiagnostics",
    "PFADiagnostics",
    "PFAEnergyDiagnostics",
    "PFAKLDiagnostics",
    "PFARecipe",
    "PFASizeDiagnostics",
]


@dataclass(frozen=True)
class PFAKLDiagnostics:
    """Why PFA.Strategy.KL chose a count.

    Attributes:
        kl_divergence: of the spectrum from the flat one, in nats.
        units_ratio: the share of the units that it stands for.
    """

    kl_divergence: float
    units_ratio: float


@dataclass(frozen=True)
class PFAEnergyDiagnostics:
    """Why PFA.Strategy.Energy chose a count.

    Attributes:
        total_kept_energy: sum of the largest eigenvalues that reach the threshold, before min_kept_count.
        kept_energy: share of the energy in as many eigenvalues as the strategy asks to keep, after min_kept_count.
        energy_threshold: the share that was asked for.
    """

    total_kept_energy: float
    kept_energy: float = math.nan
    energy_threshold: float = math.nan


@dataclass(frozen=True)
class PFASizeDiagnostics(PFAEnergyDiagnostics):
    """The same for PFA.Strategy.Size, whose threshold follows from the size."""


@dataclass(frozen=True)
class PFABudgetDiagnostics(PFAEnergyDiagnostics):
    """The same for PFA.Strategy.Budget, whose threshold follows from the budget.

    Attributes:
        parameters: share of the network's parameters that all layers' recipes leave.
        macs: share of its multiply-accumulates.
    """

    parameters: float = math.nan
    macs: float = math.nan


PFADiagnostics = PFAKLDiagnostics | PFAEnergyDiagnostics


@dataclass(frozen=True)
class PFARecipe:
    """What PFA recommends for one layer.

    Attributes:
        original_output_count: units of the layer.
        recommended_output_count: units to keep; once units are selected at most the active ones.
        maximally_correlated_units: the units to remove, in the order of removal, inactive ones first; empty while none are selected.
        number_inactive_units: units whose variance is next to nothing.
        diagnostics: the strategy's findings; None from your own strategy.
        requested_output_count: the strategy's count, if it was larger than the number of active units; else None.
    """

    original_output_count: int
    recommended_output_count: int
    maximally_correlated_units: list[int] = field(default_factory=list)
    number_inactive_units: int = 0
    diagnostics: PFADiagnostics | None = None
    requested_output_count: int | None = None

    @property
    def units_to_keep(self) -> list[int]:
        """The other units, ascending."""
        removed = set(self.maximally_correlated_units)
        return [unit for unit in range(self.original_output_count) if unit not in removed]

    @property
    def note(self) -> str:
        """In words where the count is not what the strategy asked for, else empty."""
        if self.requested_output_count is None:
            return ""
        return (
            f"{self.requested_output_count} units asked for, but only {self.recommended_output_count} of "
            f"{self.original_output_count} are active"
        )

    def to_dict(self) -> dict[str, Any]:
        """For JSON: all attributes, units_to_keep and note."""
        return {**asdict(self), "units_to_keep": self.units_to_keep, "note": self.note}
