"""Compression without training: `compress` and what it is made of."""

from __future__ import annotations

from .allocate import ALLOCATIONS, SELECTIONS
from .pipeline import COMPENSATIONS, compress
from .result import CompressionResult, GroupChange, LayerChange, Quality, Totals

__all__ = [
    "ALLOCATIONS",
    "COMPENSATIONS",
    "SELECTIONS",
    "CompressionResult",
    "GroupChange",
    "LayerChange",
    "Quality",
    "Totals",
    "compress",
]
