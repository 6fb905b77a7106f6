"""Compression without training: `compress` and what it is made of."""

from __future__ import annotations

from ..measure.metrics import Quality
from .allocate import ALLOCATIONS, SELECTIONS, UnreachableTarget
from .result import CompressionResult, GroupChange, LayerChange, Totals
from .run import COMPENSATIONS, compress

__all__ = [
    "ALLOCATIONS",
    "COMPENSATIONS",
    "SELECTIONS",
    "CompressionResult",
    "GroupChange",
    "LayerChange",
    "Quality",
    "Totals",
    "UnreachableTarget",
    "compress",
]
