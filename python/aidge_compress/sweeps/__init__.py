"""Many settings from one pass over the data: `sweep` and what it takes and returns."""

from __future__ import annotations

from .grids import CompressGrid, FibnlrGrid, PfaGrid
from .judge import Outcome
from .result import SweepResult, SweepRow, pareto
from .run import sweep

__all__ = [
    "CompressGrid",
    "FibnlrGrid",
    "Outcome",
    "PfaGrid",
    "SweepResult",
    "SweepRow",
    "pareto",
    "sweep",
]
