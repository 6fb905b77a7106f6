"""What a sweep tries: grids of settings of each method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import aidge_core

__all__ = ["CompressGrid", "FibnlrGrid", "PfaGrid", "fibnlr_parameters", "label"]

_USUAL = {"method": "strict", "criterion": "threshold", "compensation": "least_squares"}


def label(options: Mapping[str, Any]) -> str:
    """A setting in few words: what is usual is left out, names stand where a value alone would say nothing."""
    words = [
        value if isinstance(value, str) and name != "group" else f"{name} {value}"
        for name, value in options.items()
        if _USUAL.get(name) != value and not (name == "strategy" and value.lower() in options)
    ]
    return ", ".join(words)


def _unique(values: Sequence[Any], name: str) -> list[Any]:
    found = list(dict.fromkeys(values))
    if not found:
        raise ValueError(f"[sweep::grid] expected at least one of {name}, got none")
    return found


@dataclass(frozen=True)
class FibnlrGrid:
    """All combinations of these; enumerators by their names in lower case, e.g. "min_max".

    `thresholds` go with both criteria, `x_least` with "x_least_per_group" alone.
    """

    normalizations: Sequence[str] = ("none", "min_max", "sum", "average")
    groups: Sequence[str] = ("none", "image_size")
    methods: Sequence[str] = ("strict", "loose")
    criteria: Sequence[str] = ("threshold", "x_least_per_group")
    thresholds: Sequence[float] = (0.05, 0.1, 0.2)
    x_least: Sequence[int] = (1,)
    max_iteration: int = 100
    convergence_threshold: float = 1e-6
    prunable_types: Sequence[str] = ("ReLU", "LeakyReLU", "GeLU")

    def settings(self) -> Iterator[dict[str, Any]]:
        """Every combination as options by name. ValueError where a list is empty."""
        lists = [
            _unique(getattr(self, name), name)
            for name in ("normalizations", "groups", "methods", "criteria", "thresholds", "x_least")
        ]
        for normalization, group, method, criterion, threshold, least in product(*lists):
            options: dict[str, Any] = {
                "normalization": normalization,
                "group": group,
                "method": method,
                "criterion": criterion,
                "threshold": threshold,
            }
            if criterion == "x_least_per_group":
                options["x_least"] = least
            elif least != lists[-1][0]:
                continue
            yield options


@dataclass(frozen=True)
class CompressGrid:
    """All combinations of targets (shares of the MACs that stay) and choices of `compress`."""

    targets: Sequence[float] = (0.75, 0.5, 0.35)
    allocations: Sequence[str] = ("energy",)
    selections: Sequence[str] = ("elimination",)
    compensations: Sequence[str] = ("least_squares",)

    def settings(self) -> Iterator[dict[str, Any]]:
        """Every combination as options by name. ValueError where a list is empty."""
        lists = [_unique(values, name) for name, values in asdict(self).items()]
        for target, allocation, selection, compensation in product(*lists):
            yield {
                "target": target,
                "allocation": allocation,
                "selection": selection,
                "compensation": compensation,
            }


@dataclass(frozen=True)
class PfaGrid:
    """KL, and Energy, Size (of the units) and Budget (of the MACs) at these shares, with each way to choose units and to make up for them."""

    energies: Sequence[float] = (0.8, 0.9, 0.95, 0.99)
    sizes: Sequence[float] = ()
    budgets: Sequence[float] = ()
    kl: bool = True
    unit_strategies: Sequence[str] = ("L1Max",)
    compensations: Sequence[str] = ("least_squares",)

    def settings(self) -> Iterator[dict[str, Any]]:
        """Every combination as options by name. ValueError where there is none."""
        strategies: list[dict[str, Any]] = [{"strategy": "KL"}] if self.kl else []
        for name, shares in (("energy", self.energies), ("size", self.sizes), ("budget", self.budgets)):
            strategies += [{"strategy": name.capitalize(), name: share} for share in dict.fromkeys(shares)]
        for options, units, compensation in product(
            _unique([tuple(entry.items()) for entry in strategies], "strategies"),
            _unique(self.unit_strategies, "unit_strategies"),
            _unique(self.compensations, "compensations"),
        ):
            yield {**dict(options), "unit_strategy": units, "compensation": compensation}


def _named(kind: Any, name: str) -> Any:
    found = getattr(kind, name.upper(), None)
    if found is None:
        choices = ", ".join(key.lower() for key, value in kind.__members__.items() if value.name == key)
        raise ValueError(f"[sweep::grid] expected one of {choices}, got {name!r}")
    return found


def fibnlr_parameters(
    grid: FibnlrGrid, options: Mapping[str, Any] | None = None
) -> aidge_core.fibnlr_Parameters:
    """The parameters of a setting (None: only what the pass over the data needs), as a dry run. ValueError where one is unknown."""
    params = aidge_core.fibnlr_Parameters(
        max_iteration=grid.max_iteration,
        convergence_threshold=grid.convergence_threshold,
        prunable_types=list(grid.prunable_types),
        ablation_method=aidge_core.AblationMethod.NONE,
    )
    if options is not None:
        params.normalization = _named(aidge_core.NormalizationMethod, options["normalization"])
        params.group = _named(aidge_core.GroupMethod, options["group"])
        params.method = _named(aidge_core.Method, options["method"])
        params.ablation_criteria = _named(aidge_core.AblationCriteria, options["criterion"])
        params.ablation_threshold = options["threshold"]
        params.ablation_x_least = options.get("x_least", 1)
    params.validate()
    return params
