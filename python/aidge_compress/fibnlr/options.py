"""The options of FIBNLR."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import aidge_core

from ..options import as_dict, check, option

__all__ = ["FibnlrOptions"]

_DEFAULT = aidge_core.fibnlr_Parameters()
_ENUMS: dict[str, Any] = {
    "method": aidge_core.Method,
    "normalization": aidge_core.NormalizationMethod,
    "group": aidge_core.GroupMethod,
    "ablation_criteria": aidge_core.AblationCriteria,
    "ablation_method": aidge_core.AblationMethod,
}


def _name(value: Any) -> Any:
    return value.name.lower()


@dataclass(frozen=True)
class FibnlrOptions:
    """Which activations are removed. The defaults are those of the compiled core; see docs/fibnlr.md for the formulas.

    Raises:
        ValueError: if a value is out of range or not one of the choices.
    """

    normalization: Literal["none", "min_max", "sum", "average"] = option(
        _name(_DEFAULT.normalization),
        "How NPR becomes NNPR within a group",
        tries=("none", "min_max", "sum", "average"),
    )
    group: Literal["none", "image_size", "manual"] = option(
        _name(_DEFAULT.group), "Which activations are compared with each other", tries=("none", "image_size")
    )
    method: Literal["strict", "loose"] = option(
        _name(_DEFAULT.method),
        "loose: a group of one activation keeps its raw NPR",
        expert=True,
        tries=("strict", "loose"),
    )
    ablation_criteria: Literal["none", "x_least_per_group", "threshold"] = option(
        _name(_DEFAULT.ablation_criteria),
        "How activations are chosen for removal",
        tries=("threshold", "x_least_per_group"),
    )
    ablation_method: Literal["none", "identity", "remove", "affine"] = option(
        _name(_DEFAULT.ablation_method), "What takes an activation's place; none: a dry run"
    )
    ablation_threshold: float = option(
        _DEFAULT.ablation_threshold,
        "Remove activations whose NNPR is strictly below this",
        "NNPR",
        tries=(0.05, 0.1, 0.2),
    )
    ablation_x_least: int = option(
        _DEFAULT.ablation_x_least,
        "For x_least_per_group: how many of each group to remove",
        "N",
        least=0,
        tries=(1,),
    )
    ablation_min_kept: int = option(
        _DEFAULT.ablation_min_kept, "Activations to keep in each group at least", "N", least=0, expert=True
    )
    max_iteration: int = option(
        _DEFAULT.max_iteration, "Run at most this many batches; 0: no limit", "N", least=0, expert=True
    )
    convergence_threshold: float = option(
        _DEFAULT.convergence_threshold, "Stop when the squared change of NPR is below this", "X", expert=True
    )
    group_assignments: Mapping[str, int] | None = option(
        None, "For group manual: node name → group", "NAME=GROUP,…", expert=True
    )
    prunable_types: tuple[str, ...] = option(
        tuple(_DEFAULT.prunable_types), "Operator types to consider", "TYPE", expert=True
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "prunable_types", tuple(self.prunable_types))
        check(self, "fibnlr::options")
        self.parameters()

    @classmethod
    def of(cls, params: aidge_core.fibnlr_Parameters) -> FibnlrOptions:
        """The options that an object of the compiled core holds."""
        values = {name: getattr(params, name) for name in cls.__dataclass_fields__}
        values |= {name: _name(values[name]) for name in _ENUMS}
        assigned = values["group_assignments"] or None
        return cls(
            **{**values, "group_assignments": assigned, "prunable_types": tuple(params.prunable_types)}
        )

    @classmethod
    def preset(cls, name: Literal["default", "paper", "none"]) -> FibnlrOptions:
        """The default options; the choices of the FIBNLR paper; options under which nothing is removed."""
        presets = {
            "default": aidge_core.fibnlr_Parameters,
            "paper": aidge_core.fibnlr_Parameters.paper,
            "none": aidge_core.fibnlr_Parameters.none,
        }
        if name not in presets:
            raise ValueError(f"[fibnlr::options] expected a preset among {', '.join(presets)}, got {name!r}")
        return cls.of(presets[name]())

    def parameters(self) -> aidge_core.fibnlr_Parameters:
        """The same as an object of the compiled core. ValueError if a value is out of range."""
        values = as_dict(self)
        params = aidge_core.fibnlr_Parameters()
        for name, value in values.items():
            if name in _ENUMS:
                setattr(params, name, getattr(_ENUMS[name], value.upper()))
            elif name == "group_assignments":
                params.group_assignments = dict(value or {})
            else:
                setattr(params, name, list(value) if isinstance(value, tuple) else value)
        params.validate()
        return params
