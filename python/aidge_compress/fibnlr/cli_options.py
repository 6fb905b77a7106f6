"""Every parameter of FIBNLR as a command-line option, and back to a Parameters object."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aidge_core import Node, fibnlr_Parameters

__all__ = [
    "Criterion",
    "FibnlrOptions",
    "GroupBy",
    "How",
    "Normalization",
    "Preset",
    "Strictness",
    "build_parameters",
]


class Preset(str, Enum):
    """Where the parameters start from."""

    default = "default"
    paper = "paper"
    none = "none"


class Strictness(str, Enum):
    """--method."""

    strict = "strict"
    loose = "loose"


class Normalization(str, Enum):
    """--normalization."""

    none = "none"
    min_max = "min_max"
    sum = "sum"
    average = "average"


class GroupBy(str, Enum):
    """--group."""

    none = "none"
    image_size = "image_size"
    manual = "manual"


class Criterion(str, Enum):
    """--ablation-criteria."""

    none = "none"
    x_least_per_group = "x_least_per_group"
    threshold = "threshold"


class How(str, Enum):
    """--ablation-method."""

    none = "none"
    identity = "identity"
    remove = "remove"
    affine = "affine"


@dataclass(frozen=True)
class FibnlrOptions:
    """What the user gave; None means: as the preset has it."""

    preset: Preset = Preset.default
    method: Strictness | None = None
    normalization: Normalization | None = None
    group: GroupBy | None = None
    ablation_criteria: Criterion | None = None
    ablation_method: How | None = None
    ablation_threshold: float | None = None
    ablation_x_least: int | None = None
    ablation_min_kept: int | None = None
    max_iteration: int | None = None
    convergence_threshold: float | None = None
    group_assignments: str | None = None
    prunable_types: tuple[str, ...] = ()


def _assignments(text: str) -> dict[Node | str, int]:
    """A JSON file {"node name": group}, or name=1,other=2."""
    if Path(text).suffix == ".json":
        table = json.loads(Path(text).read_text(encoding="utf-8"))
        if not isinstance(table, dict):
            raise ValueError(
                f'[cli::fibnlr] expected {{"node name": group, …}} in {text}, got {type(table).__name__}'
            )
        return {str(name): int(group) for name, group in table.items()}
    result: dict[Node | str, int] = {}
    for entry in text.split(","):
        name, equals, group = entry.rpartition("=")
        if not equals or not group.strip().isdigit():
            raise ValueError(f"[cli::fibnlr] expected name=group,name=group or a .json file, got {entry!r}")
        result[name.strip()] = int(group)
    return result


def build_parameters(options: FibnlrOptions) -> fibnlr_Parameters:
    """The preset with the given options over it, validated."""
    import aidge_core

    presets = {
        Preset.default: aidge_core.fibnlr_Parameters,
        Preset.paper: aidge_core.fibnlr_Parameters.paper,
        Preset.none: aidge_core.fibnlr_Parameters.none,
    }
    params = presets[options.preset]()
    enums: dict[str, Any] = {
        "method": aidge_core.Method,
        "normalization": aidge_core.NormalizationMethod,
        "group": aidge_core.GroupMethod,
        "ablation_criteria": aidge_core.AblationCriteria,
        "ablation_method": aidge_core.AblationMethod,
    }
    for name, kind in enums.items():
        value = getattr(options, name)
        if value is not None:
            setattr(params, name, getattr(kind, value.value.upper()))
    numbers = (
        "ablation_threshold",
        "ablation_x_least",
        "ablation_min_kept",
        "max_iteration",
        "convergence_threshold",
    )
    for name in numbers:
        value = getattr(options, name)
        if value is not None:
            setattr(params, name, value)
    if options.group_assignments:
        params.group_assignments = _assignments(options.group_assignments)
    if options.prunable_types:
        params.prunable_types = list(options.prunable_types)
    params.validate()
    return params
