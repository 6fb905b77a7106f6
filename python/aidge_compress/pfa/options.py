"""The options of Principal Filter Analysis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..options import check, option
from . import budget, strategies, units

if TYPE_CHECKING:
    from aidge_core import GraphView

    from .strategies import PFAStrategyType
    from .units import PFAUnitSelectionStrategyType

__all__ = ["PfaOptions"]


@dataclass(frozen=True)
class PfaOptions:
    """How many units each layer keeps, and which; see docs/pfa.md.

    Raises:
        ValueError: if a value is out of range or not one of the choices.
    """

    strategy: Literal["kl", "energy", "size", "budget"] = option(
        "kl", "How many units a layer keeps", tries=()
    )
    energy: float = option(
        0.9,
        "For strategy energy: the share of the eigenvalues' sum to keep",
        "FRACTION",
        least=0,
        most=1,
        tries=(0.8, 0.9, 0.95, 0.99),
    )
    size: float = option(
        0.5, "For strategy size: the share of all units to keep", "FRACTION", least=0, most=1, tries=()
    )
    keep_macs: float = option(
        0.5,
        "For strategy budget: the share of the MACs to keep",
        "FRACTION",
        least=0,
        most=1,
        above=True,
        tries=(),
    )
    min_kept: int = option(0, "For energy and size: keep at least this many units per layer", "N", least=0)
    unit_strategy: Literal["l1_max", "l1_min", "abs_max", "abs_min", "random"] = option(
        "l1_max", "Which units to remove", tries=("l1_max",)
    )
    tie_rule: Literal["dnikit", "documented"] = option(
        "dnikit", "For l1_max and l1_min: what decides among equal sums", expert=True
    )
    pooling: Literal["max", "average", "sum"] = option(
        "max", "How a feature map is reduced to one value per channel"
    )
    layers: tuple[str, ...] = option(
        (), "Nodes or operator types to analyse; default: all layers with weights but the last", "NAME"
    )
    seed: int = option(0, "Random seed of unit strategy random", "N", least=0, expert=True)
    epsilon_inactive: float = option(
        1e-8,
        "A unit is inactive if its variance is below this times the layer's largest",
        "X",
        least=0,
        expert=True,
    )
    strict_samples: bool = option(False, "Leave out layers that have fewer samples than units", expert=True)

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "layers", (self.layers,) if isinstance(self.layers, str) else tuple(self.layers or ())
        )
        check(self, "pfa::options")

    def how_many(self, model: GraphView) -> PFAStrategyType:
        """The strategy; `model` is needed for a budget alone."""
        if self.strategy == "energy":
            return strategies.Energy(self.energy, self.min_kept)
        if self.strategy == "size":
            return strategies.Size(self.size, self.min_kept)
        return budget.Budget(model, macs=self.keep_macs) if self.strategy == "budget" else strategies.KL()

    def which(self) -> PFAUnitSelectionStrategyType:
        """The unit strategy."""
        made: Mapping[str, Any] = {
            "l1_max": lambda: units.L1Max(self.tie_rule),
            "l1_min": lambda: units.L1Min(self.tie_rule),
            "abs_max": units.AbsMax,
            "abs_min": units.AbsMin,
            "random": lambda: units.Random(self.seed),
        }
        chosen: PFAUnitSelectionStrategyType = made[self.unit_strategy]()
        return chosen
