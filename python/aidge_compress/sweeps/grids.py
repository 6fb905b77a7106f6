"""What a sweep tries: grids of settings of each method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass
from itertools import product
from typing import Any

import aidge_core

from ..channels.options import CompressOptions
from ..fibnlr.options import FibnlrOptions
from ..options import as_dict, changed, choice, choices_of
from ..pfa.options import PfaOptions

__all__ = ["CompressGrid", "FibnlrGrid", "PfaGrid", "fibnlr_parameters", "label"]

_DEFAULT, _COMPRESS, _PFA = FibnlrOptions(), CompressOptions(), PfaOptions()
_USUAL = {
    "method": _DEFAULT.method,
    "criterion": _DEFAULT.ablation_criteria,
    "compensation": _COMPRESS.compensation,
}
_NAMES = {"criterion": "ablation_criteria", "threshold": "ablation_threshold", "x_least": "ablation_x_least"}
"""What a setting calls an option → its name in FibnlrOptions."""


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


def _combinations(lists: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Every combination of the values of some options."""
    values = [_unique(entries, name) for name, entries in lists.items()]
    for combination in product(*values):
        yield dict(zip(lists, combination, strict=True))


def _spelled(options: type[Any], name: str, values: Sequence[str]) -> list[str]:
    """Choices of an option in their one spelling. ValueError if one is unknown."""
    return [choice(value, choices_of(options, name), "sweep::grid", name) for value in values]


@dataclass(frozen=True)
class FibnlrGrid:
    """All combinations of these options of FIBNLR; see FibnlrOptions.

    `thresholds` apply to both criteria, `x_least` to "x_least_per_group" alone.
    """

    normalizations: Sequence[str] = ("none", "min_max", "sum", "average")
    groups: Sequence[str] = ("none", "image_size")
    methods: Sequence[str] = ("strict", "loose")
    criteria: Sequence[str] = ("threshold", "x_least_per_group")
    thresholds: Sequence[float] = (0.05, 0.1, 0.2)
    x_least: Sequence[int] = (1,)
    max_iteration: int = _DEFAULT.max_iteration
    convergence_threshold: float = _DEFAULT.convergence_threshold
    prunable_types: Sequence[str] = _DEFAULT.prunable_types

    def settings(self) -> Iterator[dict[str, Any]]:
        """Every combination as options by name. ValueError if a list is empty or a choice unknown."""
        lists = {
            "normalization": _spelled(FibnlrOptions, "normalization", self.normalizations),
            "group": _spelled(FibnlrOptions, "group", self.groups),
            "method": _spelled(FibnlrOptions, "method", self.methods),
            "criterion": _spelled(FibnlrOptions, "ablation_criteria", self.criteria),
            "threshold": self.thresholds,
            "x_least": self.x_least,
        }
        for options in _combinations(lists):
            if options["criterion"] == "x_least_per_group" or options.pop("x_least") == self.x_least[0]:
                yield options


@dataclass(frozen=True)
class CompressGrid:
    """All combinations of shares of the MACs to keep and choices of `compress`; see CompressOptions. `targets` is the former word for `keep_macs`."""

    keep_macs: Sequence[float] = (0.75, 0.5, 0.35)
    allocations: Sequence[str] = (_COMPRESS.allocation,)
    selections: Sequence[str] = (_COMPRESS.selection,)
    compensations: Sequence[str] = (_COMPRESS.compensation,)
    targets: InitVar[Sequence[float] | None] = None

    def __post_init__(self, targets: Sequence[float] | None) -> None:
        if targets is not None:
            object.__setattr__(self, "keep_macs", targets)

    def settings(self) -> Iterator[dict[str, Any]]:
        """Every combination as options by name. ValueError if a list is empty, or a value unknown or out of range."""
        lists = {
            "keep_macs": self.keep_macs,
            "allocation": self.allocations,
            "selection": self.selections,
            "compensation": self.compensations,
        }
        for options in _combinations(lists):
            checked = as_dict(changed(_COMPRESS, options, "sweep::grid"))
            yield {name: checked[name] for name in options}


@dataclass(frozen=True)
class PfaGrid:
    """KL, and Energy, Size (of the units) and Budget (of the MACs) at these shares, with each way to choose units and to make up for them."""

    energies: Sequence[float] = (0.8, 0.9, 0.95, 0.99)
    sizes: Sequence[float] = ()
    budgets: Sequence[float] = ()
    kl: bool = True
    unit_strategies: Sequence[str] = (_PFA.unit_strategy,)
    compensations: Sequence[str] = (_COMPRESS.compensation,)

    def settings(self) -> Iterator[dict[str, Any]]:
        """Every combination as options by name. ValueError if there is none, or a value is unknown or out of range."""
        strategies: list[dict[str, Any]] = [{"strategy": "kl"}] if self.kl else []
        for name, option, shares in (
            ("energy", "energy", self.energies),
            ("size", "size", self.sizes),
            ("budget", "keep_macs", self.budgets),
        ):
            strategies += [{"strategy": name, option: share} for share in dict.fromkeys(shares)]
        units = _spelled(PfaOptions, "unit_strategy", self.unit_strategies)
        compensations = _spelled(CompressOptions, "compensation", self.compensations)
        for options in _unique([tuple(entry.items()) for entry in strategies], "strategies"):
            changed(_PFA, dict(options), "sweep::grid")
            for rest in _combinations({"unit_strategy": units, "compensation": compensations}):
                yield {**dict(options), **rest}


def fibnlr_parameters(
    grid: FibnlrGrid, options: Mapping[str, Any] | None = None
) -> aidge_core.fibnlr_Parameters:
    """The parameters of a setting (None: only what the pass over the data needs), as a dry run. ValueError if one is unknown."""
    values: dict[str, Any] = {
        "max_iteration": grid.max_iteration,
        "convergence_threshold": grid.convergence_threshold,
        "prunable_types": tuple(grid.prunable_types),
        "ablation_method": "none",
    }
    if options is not None:
        values |= {_NAMES.get(name, name): value for name, value in options.items()}
    return changed(_DEFAULT, values, "sweep::grid").parameters()
