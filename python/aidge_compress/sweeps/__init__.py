"""Many settings from one pass over the data: `sweep` and what it takes and returns."""

from __future__ import annotations

from ..measure.trial import Outcome
from .grids import CompressGrid, FibnlrGrid, PfaGrid
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
