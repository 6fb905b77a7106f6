"""What a sweep tries: grids of settings, each in the folder of its method, and how a setting is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..channels.options import CompressOptions
from ..channels.trials import CompressGrid
from ..fibnlr.options import FibnlrOptions
from ..fibnlr.trials import FibnlrGrid, fibnlr_parameters
from ..pfa.trials import PfaGrid

__all__ = ["CompressGrid", "FibnlrGrid", "PfaGrid", "describe", "fibnlr_parameters", "label"]

_FIBNLR = FibnlrOptions()
_USUAL = {
    "method": _FIBNLR.method,
    "ablation_criteria": _FIBNLR.ablation_criteria,
    "compensation": CompressOptions().compensation,
}


def label(options: Mapping[str, Any]) -> str:
    """A setting in few words: what is usual is left out, names stand where a value alone would say nothing."""
    words = [
        value if isinstance(value, str) and name != "group" else f"{name.removeprefix('ablation_')} {value}"
        for name, value in options.items()
        if _USUAL.get(name) != value and not (name == "strategy" and value.lower() in options)
    ]
    return ", ".join(words)


def describe(grid: Any) -> dict[str, Any]:
    """A grid's lists by name."""
    return {
        name: list(value) if isinstance(value, (list, tuple)) else value
        for name, value in asdict(grid).items()
    }
